/**
 * How long things take to start: `trikd --help`, each service from its process to its address, and a run from the command to its first step
 * and from the last step of a stage to the first of the next, by its events and logs. The first round fills the caches and does not count.
 *
 * usage: node bench/starting.ts [--rounds N] [--spec FILE] [--in-process] [--against FOLDER]
 *
 * The other folder is a clone that `make build engine` has built; both start in turns.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pairedRatio, summarise } from './statistics.ts';
import { cellSpec } from './trio-spec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    spec: { type: 'string' },
    'in-process': { type: 'boolean', default: false },
    against: { type: 'string' },
  },
});
const HERE = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'trikd-starting-'));
const file = values.spec ?? join(folder, 'trio.yaml');
if (values.spec === undefined) writeFileSync(file, JSON.stringify(shortRun()));

/** Seconds, by what they are the time of. */
type Times = Readonly<Record<string, number>>;

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

/** One round in a clone. */
async function measure(clone: string): Promise<Times> {
  return { ...helpTimes(clone), ...(await serviceTimes(clone)), ...runTimes(clone) };
}

const main = (clone: string) => join(clone, 'services/cli/dist/main.js');

/** `trikd --help`: its time, and the processor time of all threads. */
function helpTimes(clone: string): Times {
  const began = performance.now();
  const timed = ['-c', 'TIMEFORMAT="%U %S"; time "$@" > /dev/null', 'bash', process.execPath, main(clone), '--help'];
  const { stderr } = spawnSync('bash', timed, { encoding: 'utf8' });
  const [user = 0, system = 0] = stderr.trim().split(' ').map(Number);
  return { 'trikd --help': (performance.now() - began) / 1000, '  its processor time': user + system };
}

/** The services, one after the other, from the start of the process to its address. */
async function serviceTimes(clone: string): Promise<Times> {
  const { startService }: typeof import('@trikd/process/service-process') = await import(
    join(clone, 'packages/process/dist/service-process.js')
  );
  const times: Record<string, number> = {};
  const trio = { anchor: '127.0.0.1:1', teacher: '127.0.0.1:2', student: '127.0.0.1:3' };
  for (const name of ['anchor-server', 'teacher-trainer', 'student-trainer', 'orchestrator'] as const) {
    const parts = name === 'orchestrator' ? { ...trio, events: folder, 'http.listen': '127.0.0.1:0' } : {};
    const settings = { 'store.kind': 'folder', 'store.path': join(folder, 'store'), ...parts };
    const began = performance.now();
    const { child, kill, ready } = startService(name, { settings, logs: join(folder, 'logs') });
    const { ended } = await ready;
    times[name] = (performance.now() - began) / 1000;
    times[`  processor time of ${name}`] = processorTime(child.pid!);
    kill();
    await ended;
  }
  return times;
}

/** Seconds of all threads of a process, in user and system mode: fields 14 and 15 of Linux, in hundredths. */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The parts of a run. */
function runTimes(clone: string): Times {
  const runs = join(folder, 'runs');
  const began = Date.now();
  const mode = values['in-process'] ? ['--in-process'] : [];
  execFileSync(process.execPath, [main(clone), 'run', file, '--store', runs, '-o', 'json', ...mode], {
    stdio: 'ignore',
  });
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
  const moments = {
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
  return Object.fromEntries(Object.entries(moments).map(([part, milliseconds]) => [part, milliseconds / 1000]));
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

const clones = [HERE, ...(values.against === undefined ? [] : [resolve(values.against)])];
for (const clone of clones) await measure(clone);
const rounds: Times[][] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const times: Times[] = [];
  for (const clone of clones) times.push(await measure(clone));
  rounds.push(times);
}
console.log(
  `seconds: min / median${values.against === undefined ? '' : `, of ${values.against}, and the median ratio`}`,
);
for (const part of Object.keys(rounds[0]?.[0] ?? {})) {
  const columns = clones.map((_, side) => rounds.map((times) => times[side]![part]!));
  const texts = columns.map((column) => {
    const { min, median } = summarise(column);
    return `${min.toFixed(2)} / ${median.toFixed(2)}`;
  });
  const [ours = [], theirs] = columns;
  const ratio = theirs && pairedRatio(ours, theirs).median.toFixed(2);
  console.log(`  ${part.padEnd(36)} ${[...texts, ratio].join('   ')}`);
}
rmSync(folder, { recursive: true });
