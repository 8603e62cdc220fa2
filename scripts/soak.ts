/**
 * Lets the four services step on small data for a while, with checkpoints, and measures whether any of them grows. Exits with 1 when
 * a process gains more than 1 MB an hour after warm-up, or ends with more open files or threads than it had then.
 *
 * Memory is what a process has for itself (RssAnon): pages of libraries that are read for the first time are no growth. Each sample is
 * taken after a full collection, since what waits for the garbage collector is no growth either; what JavaScript holds then is told
 * beside it, and so is the most that the process had at any time.
 *
 * Where a process is within a generation when it is looked at makes 4 MB of difference. Of each two minutes, which are some generations,
 * the least counts.
 *
 * The last half hour counts. What comes before is warm-up, until the code that runs once a generation is compiled too, and what is
 * remembered of steps and events is full.
 *
 * usage: node scripts/soak.ts [MINUTES]      (default 60, at least 40)
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MOST_GENERATIONS, RunSpec } from '@trikd/core/spec';
import { RunServiceClient } from '@trikd/platform/gen/trikd/v1/run';
import { openClient, unary } from '@trikd/platform/grpc/clients';
import { type ServiceUnderTest, startCluster } from '../test/faults/cluster.ts';
import { leastOfEach, type Sample, type Slope, slopeOf } from './slope.ts';
import type { Memory } from './soak-agent.ts';

const MINUTES = Number(process.argv[2] ?? 60);
const WARM_UP = MINUTES - 30;
const STEPS = 3_200;
const SAMPLE_SECONDS = 7;
const STRETCH_MINUTES = 2;
const MOST_MB_PER_HOUR = 1;
const KB_PER_MB = 1024;

if (!(MINUTES >= 40)) {
  console.error(`soak: expected 40 minutes or more, found ${process.argv[2]}`);
  process.exit(2);
}

/** A checkpoint every 64 steps, and a promotion after 3,200: the anchor is loaded, served and let go of every half minute. */
const spec = RunSpec.parse({
  name: 'soak',
  data: { kind: 'synthetic', train: 1024, height: 16, width: 16 },
  batchSize: 64,
  epochs: 200,
  checkpoint: { everyEpochs: 4 },
  evaluation: { everyEpochs: 20 },
  student: roleOf([8, 8]),
  teacher: roleOf([16, 16]),
  curriculum: { generations: MOST_GENERATIONS },
  engine: { threads: 1 },
});

function roleOf(channels: readonly number[]) {
  const objective = [
    { kind: 'task' },
    { kind: 'distillation', from: 'anchor' },
    { kind: 'distillation', from: 'peer' },
  ];
  return { model: { kind: 'plain-cnn', channels }, objective };
}

interface Usage extends Memory {
  /** Minutes since the soak began. */
  readonly minutes: number;
  /** The most memory that the process ever had, shared pages included. */
  readonly mostMb: number;
  readonly files: number;
  readonly threads: number;
}

type Measure = keyof Memory;

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
  await startRun();
  const from = performance.now();
  for (let told = 0; ; ) {
    const minutes = (performance.now() - from) / 60_000;
    if (minutes >= MINUTES) break;
    for (const { signal } of cluster.services) signal('SIGUSR2');
    await delay(1000 * SAMPLE_SECONDS);
    for (const [service, list] of usages) {
      const usage = usageOf(service.pid(), minutes);
      if (usage) list.push(usage);
    }
    if (minutes >= told + STRETCH_MINUTES) {
      told += STRETCH_MINUTES;
      // The last stretch has just begun.
      const least = (list: readonly Usage[], what: Measure) => leastOf(list, what).at(-2)?.[1].toFixed(1);
      const memory = [...usages].map(
        ([{ name }, list]) => `${name} ${least(list, 'memoryMb')} (${least(list, 'heldMb')})`,
      );
      console.log(`${told} of ${MINUTES} min, MB (of JavaScript): ${memory.join(', ')}`);
    }
  }
  const generations = await generationsOver();
  console.log(`${generations} generations of ${STEPS} steps in ${MINUTES} min`);
  const verdicts = [...usages].map(([service, list]) => report(service, list));
  process.exitCode = verdicts.every((bounded) => bounded) ? 0 : 1;
} finally {
  client.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();

async function startRun(): Promise<void> {
  const request = { spec: JSON.stringify(spec), requestId: '', takeOver: true };
  await unary(client.createRun.bind(client), request, { what: 'the orchestrator', deadlineSeconds: 60 });
}

async function generationsOver(): Promise<number> {
  const of = { what: 'the orchestrator', deadlineSeconds: 60 };
  const { run } = await unary(client.getRun.bind(client), { runId: spec.name }, of);
  return run?.generations.length ?? 0;
}

/** Undefined when the process has not come to answer since the last time. */
function usageOf(pid: number, minutes: number): Usage | undefined {
  const answer = join(folder, `${pid}`);
  if (!existsSync(answer)) return undefined;
  const memory: Memory = JSON.parse(readFileSync(answer, 'utf8'));
  rmSync(answer);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const files = readdirSync(`/proc/${pid}/fd`).length;
  return { ...memory, minutes, mostMb: field('VmHWM') / KB_PER_MB, files, threads: field('Threads') };
}

/** The least of each stretch of time, in MB, by hours. */
function leastOf(list: readonly Usage[], what: Measure): readonly Sample[] {
  const samples = list.map((usage): Sample => [usage.minutes / 60, usage[what]]);
  return leastOfEach(samples, STRETCH_MINUTES / 60);
}

/** Says how a process did; whether it is bounded. */
function report({ name, lives }: ServiceUnderTest, all: readonly Usage[]): boolean {
  const warm = all.filter(({ minutes }) => minutes >= WARM_UP);
  const half = Math.floor(warm.length / 2);
  const most = (of: readonly Usage[], what: 'files' | 'threads') => Math.max(0, ...of.map((usage) => usage[what]));
  const grown = (['files', 'threads'] as const).filter(
    (what) => most(warm.slice(half), what) > most(warm.slice(0, half), what),
  );
  const [memory, held] = [leastOf(warm, 'memoryMb'), leastOf(warm, 'heldMb')];
  const slope = slopeOf(memory);
  const bounded = slope.perUnit <= MOST_MB_PER_HOUR && grown.length === 0 && lives() === 1;
  const [first, last] = [warm.at(0), warm.at(-1)];
  const span = (least: readonly Sample[]) => `${least.at(0)?.[1].toFixed(1)} to ${least.at(-1)?.[1].toFixed(1)} MB`;
  console.log(
    [
      `${bounded ? 'bounded' : 'GROWS'}: ${name}: ${said(slope)}, ${span(memory)}`,
      `JavaScript ${said(slopeOf(held))}, ${span(held)}`,
      `${last?.mostMb.toFixed(0)} MB at most`,
      ...(['files', 'threads'] as const).map((what) => `${what} ${first?.[what]} to ${last?.[what]}`),
      `${lives()} life, ${warm.length} samples over ${MINUTES} min`,
    ].join('; '),
  );
  return bounded;
}

function said({ perUnit, error }: Slope): string {
  return `${perUnit.toFixed(2)} +- ${error.toFixed(2)} MB/h`;
}
