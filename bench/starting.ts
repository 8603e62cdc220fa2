/**
 * How long a run takes from the command to its first step, and from the last step of a stage to the first of the next: where the
 * time goes, by the events and logs of the run. The first run fills the caches and does not count.
 *
 * usage: node bench/starting.ts [--rounds N] [--spec FILE] [--in-process]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { summarise } from './statistics.ts';
import { cellSpec } from './trio-spec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    spec: { type: 'string' },
    'in-process': { type: 'boolean', default: false },
  },
});
const MAIN = fileURLToPath(new URL('../services/cli/bin/trikd.cjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'trikd-starting-'));
const file = values.spec ?? join(folder, 'trio.yaml');
if (values.spec === undefined) writeFileSync(file, JSON.stringify(shortRun()));

/** Two stages of three steps, with a batch of images to validate and one to test. */
function shortRun() {
  const batch = 128;
  const spec = cellSpec({ models: 'resnet-20/resnet-56', batch, classes: 100, precision: 'float32' });
  return {
    ...spec,
    name: 'starting',
    data: { ...spec.data, train: 3 * batch },
    epochs: 1,
    warmupSteps: 0,
    curriculum: { generations: 2 },
  };
}

/** A line of a log or of the file of events. */
interface Dated {
  readonly time: string;
}
interface LogLine extends Dated {
  readonly msg: string;
  readonly service: string;
  readonly role?: string;
}
interface EventLine extends Dated {
  readonly phaseChanged?: { readonly phase: string };
  readonly progress?: { readonly participant: string; readonly progress: { readonly nextStep: number } };
  readonly run?: object;
}

/** The moments of one run, in milliseconds since 1970. */
function measure(round: number): Readonly<Record<string, number>> {
  const runs = join(folder, `round-${round}`);
  const began = Date.now();
  const mode = values['in-process'] ? ['--in-process'] : [];
  execFileSync(process.execPath, [MAIN, 'run', file, '--store', runs, '-o', 'json', ...mode], { stdio: 'ignore' });
  const [name = ''] = readdirSync(runs);
  const logs = linesOf<LogLine>(...filesIn(join(runs, name, 'logs')));
  const events = linesOf<EventLine>(join(runs, name, 'events.jsonl'));
  rmSync(runs, { recursive: true });
  const of = (line: Dated) => Date.parse(line.time);
  const last = (lines: readonly Dated[]) => Math.max(...lines.map(of));
  const listening = (models: boolean) =>
    last(logs.filter(({ msg, service }) => msg === 'listening' && (service !== 'orchestrator') === models));
  /** Moments of a phase, in the order of the stages. */
  const phases = (phase: string) =>
    events.filter(({ phaseChanged }) => phaseChanged?.phase === `RUN_PHASE_${phase}`).map(of);
  const [firstTraining = 0, secondTraining = 0] = phases('TRAINING');
  const [promoting = 0] = phases('PROMOTING');
  const [preparing = 0, again = 0] = phases('PREPARING');
  /** All models have trained the first step of a stage, or the last one. */
  const stepsBetween = (from: number, to: number) => {
    const found = events.filter((line) => line.progress && of(line) >= from && of(line) < to);
    const byModel = Map.groupBy(found, ({ progress }) => progress?.participant);
    return { first: Math.max(...[...byModel.values()].map(([line]) => of(line!))), last: last(found) };
  };
  const before = stepsBetween(firstTraining, promoting);
  const after = stepsBetween(secondTraining, Number.POSITIVE_INFINITY);
  const listened = values['in-process'] ? began : listening(true);
  return {
    'models listen': listened - began,
    'orchestrator listens': listening(false) - listened,
    'run is taken on': preparing - listening(false),
    'data are read': firstTraining - preparing,
    'first step': before.first - firstTraining,
    'START TO THE FIRST STEP': before.first - began,
    'validation, test and checkpoint': promoting - before.last,
    promotion: again - promoting,
    'anchor is loaded and scored': secondTraining - again,
    'first step of the next stage': after.first - secondTraining,
    'GAP BETWEEN STAGES': after.first - before.last,
  };
}

function linesOf<Line>(...paths: readonly string[]): readonly Line[] {
  const texts = paths.flatMap((path) => readFileSync(path, 'utf8').trimEnd().split('\n'));
  return texts.filter((text) => text !== '').map((text) => JSON.parse(text) as Line);
}

function filesIn(path: string): readonly string[] {
  return readdirSync(path)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(path, name));
}

measure(0);
const rounds = Array.from({ length: Number(values.rounds) }, (_, round) => measure(round + 1));
console.log('seconds: min / median');
for (const part of Object.keys(rounds[0] ?? {})) {
  const { min, median } = summarise(rounds.map((round) => round[part]! / 1000));
  console.log(`  ${part.padEnd(36)} ${min.toFixed(2)} / ${median.toFixed(2)}`);
}
rmSync(folder, { recursive: true });
