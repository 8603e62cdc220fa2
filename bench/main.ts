// `make bench`: every figure that the documentation quotes, measured side by side, one line of JSON for each and a page with plots.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Axes, cellsOf, PRECISIONS, type Precision, SWEEP, USUAL } from './cells.ts';
import { presentConditions } from './conditions.ts';
import type { Finding } from './finding.ts';
import { QUICK_PLAN, USUAL_PLAN } from './measure-cell.ts';
import { measureData } from './measure-data.ts';
import { measureExchange } from './measure-exchange.ts';
import { measureSteps } from './measure-steps.ts';
import { measureWatchers } from './measure-watchers.ts';
import { networksOf } from './networks.ts';
import { benchPage } from './page.ts';
import { PEERS, type Peer } from './peer-names.ts';
import { addLine, readLines } from './records.ts';

const USAGE = `make bench ARGS="[OPTIONS]"

  --only LIST         of steps, exchange, watchers, data                [all]
  --models LIST       resnet-20 alone, resnet-20/resnet-56 as a trio    [${USUAL.models.join(',')}]
  --batches LIST      images of a step                                  [${USUAL.batches.join(',')}]
  --classes LIST                                                        [${USUAL.classes.join(',')}]
  --precisions LIST                                                     [${PRECISIONS.join(',')}]
  --peers LIST                                                          [${PEERS.join(',')}]
  --sweep             all networks, batches and classes that are measured at all, unless a list says otherwise; many hours
  --rounds N          how often each takes its turn                     [${USUAL_PLAN.rounds}; exchange, watchers, data: 5]
  --turn SECONDS      how long a turn is, at least one step             [${USUAL_PLAN.turn}]
  --quick             two rounds of one step: says whether it works, nothing of the speed
  --fresh             measure again what the folder has already
  --output FOLDER     gets results.jsonl and index.html                 [bench/results]

Wants a quiet machine: nothing else may compute.`;

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    only: { type: 'string', default: 'steps,exchange,watchers,data' },
    models: { type: 'string' },
    batches: { type: 'string' },
    classes: { type: 'string' },
    precisions: { type: 'string' },
    peers: { type: 'string', default: PEERS.join(',') },
    sweep: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    turn: { type: 'string' },
    quick: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    output: { type: 'string', default: 'bench/results' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || !values.python) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const list = (text: string) => text.split(',').filter((part) => part !== '');

/** @throws RangeError for a name that is none of those */
function named<Name extends string>(text: string, names: readonly Name[]): readonly Name[] {
  return list(text).map((part) => {
    const found = names.find((name) => name === part);
    if (found === undefined) throw new RangeError(`there is no ${part}: ${names.join(', ')}`);
    return found;
  });
}

/** @throws RangeError for what is no number above 0 */
function numbers(text: string): readonly number[] {
  return list(text).map((part) => {
    const value = Number(part);
    if (!(value > 0)) throw new RangeError(`expected a number above 0, got ${part}`);
    return value;
  });
}

const usual = values.sweep ? SWEEP : USUAL;
const axes: Axes = {
  models: values.models === undefined ? usual.models : list(values.models),
  batches: values.batches === undefined ? usual.batches : numbers(values.batches),
  classes: values.classes === undefined ? usual.classes : numbers(values.classes),
  precisions: values.precisions === undefined ? usual.precisions : named<Precision>(values.precisions, PRECISIONS),
};
for (const models of axes.models) networksOf(models);
const peers = named<Peer>(values.peers, PEERS);
const chosen = values.quick ? QUICK_PLAN : USUAL_PLAN;
const plan = {
  ...chosen,
  rounds: values.rounds === undefined ? chosen.rounds : numbers(values.rounds)[0]!,
  turn: values.turn === undefined ? chosen.turn : numbers(values.turn)[0]!,
};

const others = {
  exchange: measureExchange,
  watchers: measureWatchers,
  data: measureData,
};
const only = named(values.only, ['steps', 'exchange', 'watchers', 'data'] as const);

mkdirSync(values.output, { recursive: true });
const file = join(values.output, 'results.jsonl');
if (values.fresh) rmSync(file, { force: true });
const conditions = presentConditions();
const pytorch = { python: values.python, cache: dirname(dirname(dirname(values.python))) };
for (const name of only) {
  if (name === 'steps') {
    await measureSteps({ cells: cellsOf(axes), peers, plan, pytorch, conditions, file });
    continue;
  }
  console.log(`\nmeasuring ${name}`);
  const finding = await others[name](values.rounds === undefined ? 5 : plan.rounds);
  report(finding);
  addLine(file, { measured: name, conditions, ratios: [...finding.ratios], comparisons: [...finding.comparisons] });
}
const html = join(values.output, 'index.html');
writeFileSync(html, benchPage(readLines(file)));
console.log(`written to ${file} and ${html}`);

function report({ comparisons, ratios }: Finding): void {
  for (const { title, contestants } of comparisons) {
    console.log(`\n${title} (ms a step: min / median / p99)`);
    for (const [name, { min, median, p99 }] of Object.entries(contestants)) {
      console.log(
        `  ${name.padEnd(28)} ${[min, median, p99].map((value) => value.toFixed(value < 10 ? 4 : 1)).join(' / ')}`,
      );
    }
  }
  for (const { what, value, goal } of ratios) {
    console.log(`  ${what}: ${value.toFixed(3)} (goal: at most ${goal})${value <= goal ? '' : '  MISSED'}`);
  }
}
