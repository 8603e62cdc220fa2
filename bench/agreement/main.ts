// `make agreement`: kd and TriKD here and in PyTorch, losses from the same params on the same batches, and accuracy over seeds.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { type Accuracies, trainHere, trainThere } from './accuracy.ts';
import { compareLosses } from './losses.ts';
import { type Compared, comparedSpec } from './recipe.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    seeds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '50' },
    output: { type: 'string', default: 'docs/results/agreement.json' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || !values.python) {
  console.log(
    'make agreement ARGS="[--seeds N] [--steps N] [--output FILE]"\n\nTakes about half an hour on two cores.',
  );
  process.exit(values.help ? 0 : 2);
}
const python = values.python;
const seeds = Number(values.seeds);

/** At the rate that trains well, differences of rounding grow tenfold every few steps; at this one the losses are comparable. */
const CAREFUL_RATE = 0.001;

interface Row {
  readonly what: string;
  readonly here: Summary;
  readonly there: Summary;
  /** Difference of the means in units of its standard error. */
  readonly t: number;
}
interface Summary {
  readonly mean: number;
  readonly deviation: number;
}

function summary(numbers: readonly number[]): Summary {
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (numbers.length - 1)) };
}

function rows(here: readonly Accuracies[], there: readonly Accuracies[]): Row[] {
  return Object.keys(here[0]!).map((what) => {
    const [a, b] = [here, there].map((side) => summary(side.map((each) => each[what]!))) as [Summary, Summary];
    const error = Math.sqrt((a.deviation ** 2 + b.deviation ** 2) / here.length);
    return { what, here: a, there: b, t: (a.mean - b.mean) / error };
  });
}

const percent = ({ mean, deviation }: Summary) => `${(100 * mean).toFixed(2)} ± ${(100 * deviation).toFixed(2)} %`;
const outcome: Record<string, unknown> = {};
for (const method of ['kd', 'trikd'] satisfies Compared[]) {
  const careful = comparedSpec(method, 0, CAREFUL_RATE);
  const losses = await compareLosses(python, careful, await dataFor(method, 0), Number(values.steps));
  for (const [learner, value] of Object.entries(losses.largest)) {
    const [apart, control] = [value, losses.control[learner]!].map((each) => each.toExponential(1));
    console.log(
      `${method}, ${learner}, losses of ${losses.steps} steps: apart by ${apart}; PyTorch by ${control} in two precisions`,
    );
  }
  const here: Accuracies[] = [];
  const there: Accuracies[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const [spec, dataset] = [comparedSpec(method, seed), await dataFor(method, seed)];
    here.push(await trainHere(spec, dataset));
    there.push(await trainThere(python, spec, dataset));
    console.log(
      `${method}, seed ${seed}: ${JSON.stringify(here.at(-1))} here, ${JSON.stringify(there.at(-1))} in PyTorch`,
    );
  }
  const accuracy = seeds > 1 ? rows(here, there) : [];
  for (const row of accuracy) {
    console.log(
      `${method}, ${row.what}: ${percent(row.here)} here, ${percent(row.there)} in PyTorch, t ${row.t.toFixed(2)}`,
    );
  }
  outcome[method] = { losses, here, there, accuracy };
}
writeFileSync(values.output, `${JSON.stringify({ seeds, ...outcome }, undefined, 2)}\n`);
console.log(`written to ${values.output}`);

function dataFor(method: Compared, seed: number) {
  return loadDataset(comparedSpec(method, seed), ownData());
}
