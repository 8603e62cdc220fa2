/**
 * Lets the four services step on small data for a while, with checkpoints, and measures whether any of them grows. Exits with 1 when
 * a process gains more than 1 MB an hour after warm-up, or has more open files or threads in the second half of that than in the first.
 *
 * Memory is what a process has for itself (RssAnon): first reads of library pages are not growth. Each sample is
 * taken after a full collection and a trim of malloc's heap, since what waits to be used again is no growth either; what JavaScript holds
 * then, what of that is compiled code, and the most that the process had at any time are reported beside it. Where a process is within a
 * stage makes 4 MB of difference: it is looked at once in each, always at the same step.
 *
 * Warm-up is a run of many short stages, until what is done once a stage has been compiled as after hours of training; and
 * then what comes before the last three quarters of an hour, until what is remembered of steps and events is full.
 *
 * usage: make soak [MINUTES=N]      (after the first warm-up; default 75, which is the least)
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MOST_GENERATIONS, RunSpec } from '@trikd/core/spec/run-spec';
import { RunServiceClient, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type ServiceUnderTest, startCluster } from '@trikd/testing/processes/cluster';
import { specFor } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { type Sample, type Slope, slopeOf } from './slope.ts';
import type { Memory } from './soak-agent.ts';

const LEAST_MINUTES = 75;
const COUNTED_MINUTES = 45;
const MINUTES = Number(process.argv[2] ?? LEAST_MINUTES);
const UNCOUNTED = MINUTES - COUNTED_MINUTES;
const STEPS = 3_200;
/** Two checkpoints after an evaluation, and three before the next. */
const LOOK_STEP = 1_728;
const SHORT_STEPS = 256;
const SHORT_STAGES = MOST_GENERATIONS;
const STEPS_PER_EPOCH = 16;
const MOST_MB_PER_HOUR = 1;
const KB_PER_MB = 1024;

if (!(MINUTES >= LEAST_MINUTES)) {
  console.error(`soak: expected ${LEAST_MINUTES} minutes or more, found ${process.argv[2]}`);
  process.exit(2);
}

/** The anchor is loaded, served and replaced in each generation. */
const specOf = (name: string, steps: number, stages: number): RunSpec =>
  specFor('soak', { name, epochs: steps / STEPS_PER_EPOCH, curriculum: { generations: stages } });

interface Usage extends Memory {
  /** Minutes since the short stages were over. */
  readonly minutes: number;
  /** The most memory that the process ever had, shared pages included. */
  readonly mostMb: number;
  readonly files: number;
  readonly threads: number;
}

const folder = mkdtempSync(join(tmpdir(), 'trikd-soak-'));
const cluster = await startCluster({
  folder: join(folder, 'logs'),
  store: { path: join(folder, 'store') },
  orchestrators: 1,
  node: ['--expose-gc', '--import', new URL('soak-agent.ts', import.meta.url).href],
  env: { SOAK_FOLDER: folder },
});
const client = openClient(RunServiceClient, cluster.orchestrators[0]!.address);
const usages = new Map<ServiceUnderTest, Usage[]>(cluster.services.map((service) => [service, []]));
try {
  let ended = 0;
  for await (const event of follow(specOf('warm-up', SHORT_STEPS, SHORT_STAGES))) {
    if (event.$case !== 'phaseChanged' || event.value.stage < ended + SHORT_STAGES / 10) continue;
    ended = event.value.stage;
    console.log(`warm-up: ${ended} of ${SHORT_STAGES} stages of ${SHORT_STEPS} steps`);
  }
  const from = performance.now();
  let minutes = 0;
  let stages = 0;
  for await (const event of follow(specOf('soak', STEPS, MOST_GENERATIONS))) {
    if (event.$case !== 'committed' || event.value.step !== LOOK_STEP) continue;
    stages = event.value.stage;
    minutes = (performance.now() - from) / 60_000;
    await look(minutes);
    if (stages % 5 === 0) console.log(`${minutes.toFixed(1)} of ${MINUTES} min: stage ${stages}, ${newest()}`);
    if (minutes >= MINUTES) break;
  }
  console.log(`${stages} stages of ${STEPS} steps in ${minutes.toFixed(1)} min`);
  const verdicts = [...usages].map(([service, list]) => report(service, list));
  process.exitCode = minutes >= MINUTES && verdicts.every((bounded) => bounded) ? 0 : 1;
} finally {
  client.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();

/** What happens in a run, from its making on. */
async function* follow(spec: RunSpec): AsyncGenerator<NonNullable<WatchRunResponse['event']>> {
  const request = { spec: JSON.stringify(spec), requestId: '', takeOver: true, placement: undefined, team: '' };
  await unary(client.createRun.bind(client), request, { what: 'the orchestrator', deadlineSeconds: 60 });
  const messages: AsyncIterable<WatchRunResponse> = client.watchRun({
    runId: spec.name,
    fromEvent: 1,
    pastOnly: false,
  });
  for await (const { event } of messages) {
    if (event?.$case === 'phaseChanged' && event.value.failure !== '')
      throw new Error(`${spec.name}: ${event.value.failure}`);
    if (event) yield event;
  }
}

/** Has all services collect their garbage, and notes what they use then. */
async function look(minutes: number): Promise<void> {
  for (const { signal } of cluster.services) signal('SIGUSR2');
  for (const [service, list] of usages) {
    const usage = await usageOf(service.pid(), minutes);
    if (usage) list.push(usage);
  }
}

/** Undefined when the process does not answer: it has died since. */
async function usageOf(pid: number, minutes: number): Promise<Usage | undefined> {
  const answer = join(folder, `${pid}`);
  for (let times = 0; times < 200 && !existsSync(answer); times++) await delay(50);
  if (!existsSync(answer)) return undefined;
  const memory: Memory = JSON.parse(readFileSync(answer, 'utf8'));
  rmSync(answer);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const files = await filesOf(pid);
  return { ...memory, minutes, mostMb: field('VmHWM') / KB_PER_MB, files, threads: field('Threads') };
}

/** Files that stay open: a file of events is open for an instant at each line. */
async function filesOf(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let times = 0; times < 10; times++) {
    least = Math.min(least, readdirSync(`/proc/${pid}/fd`).length);
    await delay(20);
  }
  return least;
}

function newest(): string {
  const memory = [...usages].map(([{ name }, list]) => {
    const { memoryMb = Number.NaN, heldMb = Number.NaN, codeMb = Number.NaN } = list.at(-1) ?? {};
    return `${name} ${memoryMb.toFixed(1)} (${heldMb.toFixed(1)}, ${codeMb.toFixed(2)})`;
  });
  return `MB (of JavaScript, of code): ${memory.join(', ')}`;
}

/** Says how a process did; whether it is bounded. */
function report({ name, lives }: ServiceUnderTest, all: readonly Usage[]): boolean {
  const warm = all.filter(({ minutes }) => minutes >= UNCOUNTED);
  const half = Math.floor(warm.length / 2);
  const handles = (['files', 'threads'] as const).map((what) => {
    const most = (of: readonly Usage[]) => Math.max(0, ...of.map((usage) => usage[what]));
    const [before, after] = [most(warm.slice(0, half)), most(warm.slice(half))];
    return { grown: after > before, said: `${what} at most ${before}, then ${after}` };
  });
  const growth = (what: keyof Memory) => slopeOf(warm.map((usage): Sample => [usage.minutes / 60, usage[what]]));
  const memory = growth('memoryMb');
  const bounded = memory.perUnit <= MOST_MB_PER_HOUR && !handles.some(({ grown }) => grown) && lives() === 1;
  const [first, last] = [warm.at(0), warm.at(-1)];
  const span = (what: keyof Memory) => `${first?.[what].toFixed(1)} to ${last?.[what].toFixed(1)} MB`;
  console.log(
    [
      `${bounded ? 'bounded' : 'GROWS'}: ${name}: ${said(memory)}, ${span('memoryMb')}`,
      `JavaScript ${said(growth('heldMb'))}, ${span('heldMb')}`,
      `code ${said(growth('codeMb'))}, ${span('codeMb')}`,
      `${last?.mostMb.toFixed(0)} MB at most`,
      ...handles.map((handle) => handle.said),
      `${lives()} life, ${warm.length} samples over ${COUNTED_MINUTES} min`,
    ].join('; '),
  );
  return bounded;
}

function said({ perUnit, error }: Slope): string {
  return `${perUnit.toFixed(2)} +- ${error.toFixed(2)} MB/h`;
}
