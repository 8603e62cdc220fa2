/**
 * What replicas cost on the cores of one machine: a student alone that learns from whole batches, and as two replicas that learn from halves
 * of the same batches, both in one process or in two. Contestants take turns.
 *
 * usage: node bench/replicas.ts [--rounds N] [--steps N] [--models NETWORK] [--batch N]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { startLineProcess } from './line-process.ts';
import { startMeasured } from './measured-service.ts';
import { type Contestant, compare } from './rounds.ts';
import { pairedRatio } from './statistics.ts';
import { cellSpec, THREADS } from './trio-spec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    steps: { type: 'string', default: '4' },
    models: { type: 'string', default: 'resnet-20' },
    batch: { type: 'string', default: '128' },
  },
});
const { models, batch } = values;
const folder = mkdtempSync(join(tmpdir(), 'trikd-bench-'));
const alone = cellSpec({ models, batch: Number(batch), classes: 100, precision: 'float32' });

/** @param threads of each replica */
function replicated(threads: number): RunSpec {
  return { ...alone, engine: { ...alone.engine, threads }, student: { ...alone.student!, replicas: 2 } };
}

/** @param further addresses of processes for replicas besides the first */
async function training(name: string, spec: RunSpec, further: readonly string[] = []): Promise<Contestant> {
  const program = fileURLToPath(new URL('one-process.ts', import.meta.url));
  const child = startLineProcess(process.execPath, [program], { BENCH_REPLICAS: further.join(',') });
  await child.ask(`setup solo ${JSON.stringify(spec)}`);
  return {
    name,
    step: async (count) => ((await child.ask(`step ${count}`)) as { ms: number[] }).ms,
    end: () => child.end(),
  };
}

/** The second replica in a service, as `trikd run` starts it. */
async function inTwoProcesses(name: string, spec: RunSpec): Promise<Contestant> {
  const service = await startMeasured('student-trainer', join(folder, 'store'), join(folder, `${name}.json`));
  const first = await training(name, spec, [service.address]);
  return {
    ...first,
    async end() {
      await first.end();
      await service.end();
    },
  };
}

const half = THREADS / 2;
const contestants = [
  await training(`one learner, ${THREADS} threads`, alone),
  await training(`two replicas in one process, ${half} thread each`, replicated(half)),
  await inTwoProcesses(`two replicas in two processes, ${half} thread each`, replicated(half)),
  await training(`two replicas in one process, ${THREADS} threads each`, replicated(THREADS)),
  await inTwoProcesses(`two replicas in two processes, ${THREADS} threads each`, replicated(THREADS)),
];
const title = `${models}, batch ${batch}, float32: one step`;
const options = { rounds: Number(values.rounds), steps: Number(values.steps), warmup: 3 };
const comparison = await compare(title, contestants, options);
rmSync(folder, { recursive: true });
console.log(`${title} (ms: min / median; ratio to one learner, median of ${values.rounds} rounds and its interval)`);
const yardstick = comparison.contestants[contestants[0]!.name]!.roundMedians;
for (const [name, { min, median, roundMedians }] of Object.entries(comparison.contestants)) {
  const { median: ratio, interval } = pairedRatio(roundMedians, yardstick);
  const between = interval ? ` (${interval[0].toFixed(3)} to ${interval[1].toFixed(3)})` : '';
  console.log(`  ${name.padEnd(46)} ${min.toFixed(1)} / ${median.toFixed(1)}   ${ratio.toFixed(3)}${between}`);
}
