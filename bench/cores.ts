/**
 * The trio as services and in one process on the same few cores, and what the services gain when the system is told which of them
 * matters: the same processes, whose priority, scheduling or cores change between rounds. Linux only.
 *
 * usage: node bench/cores.ts [--rounds N] [--steps N] [--only NAME,...]
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startDistributed } from './distributed.ts';
import { startLineProcess } from './line-process.ts';
import { type Contestant, compare, ratio } from './rounds.ts';
import { cellSpec } from './trio-spec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '4' },
    only: { type: 'string' },
  },
});

type Service = 'anchor-server' | 'teacher-trainer' | 'student-trainer';

/** How one service is scheduled. */
interface Share {
  /** -20..19; a lower one comes first. */
  readonly nice?: number;
  /** Longer turns: `SCHED_BATCH`. */
  readonly batch?: boolean;
  /** The cores that it may use. */
  readonly cores?: string;
}

const POLICIES: Readonly<Record<string, Partial<Record<Service, Share>>>> = {
  'services, as they are': {},
  'the anchor behind': { 'anchor-server': { nice: 10 } },
  'the anchor and the student behind': { 'anchor-server': { nice: 10 }, 'student-trainer': { nice: 5 } },
  'longer turns': {
    'anchor-server': { batch: true },
    'teacher-trainer': { batch: true },
    'student-trainer': { batch: true },
  },
  'the anchor and the student on one core': { 'anchor-server': { cores: '0' }, 'student-trainer': { cores: '0' } },
};

const spec = cellSpec({ models: 'resnet-20/resnet-56', batch: 128, classes: 100, precision: 'float32' });
const services = await startDistributed('services', spec);
const child = startLineProcess(process.execPath, [fileURLToPath(new URL('one-process.ts', import.meta.url))]);
await child.ask(`setup trio ${JSON.stringify(spec)}`);
const oneProcess: Contestant = {
  name: 'one process',
  step: async (count) => ((await child.ask(`step ${count}`)) as { ms: number[] }).ms,
  end: () => child.end(),
};

/** Every service gets its share, or the default one. */
function apply(policy: Partial<Record<Service, Share>>): void {
  for (const [name, pid] of Object.entries(services.pids)) {
    const { nice = 0, batch = false, cores = '0-1023' } = policy[name as Service] ?? {};
    // Each service is a session of its own: where the system schedules sessions, only the priority of the session counts.
    try {
      writeFileSync(`/proc/${pid}/autogroup`, String(nice));
    } catch {
      // Without such groups, the threads have priorities.
    }
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), nice);
    execFileSync('chrt', ['--all-tasks', batch ? '--batch' : '--other', '--pid', '0', String(pid)]);
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)], { stdio: 'ignore' });
  }
}

const wanted = values.only?.split(',') ?? Object.keys(POLICIES);
const contestants: readonly Contestant[] = wanted.map((name) => ({
  name,
  async step(count) {
    apply(POLICIES[name] ?? {});
    return services.step(count);
  },
  end: async () => undefined,
}));
const title = 'TriKD: student ResNet-20, teacher ResNet-56, anchor ResNet-20, batch 128, one step';
const comparison = await compare(title, [...contestants, oneProcess], {
  rounds: Number(values.rounds),
  steps: Number(values.steps),
  warmup: 2,
});
await services.end();
await services.lags();
console.log(`${title} (ms: min / median; median of the ratios to one process)`);
for (const [name, { min, median }] of Object.entries(comparison.contestants)) {
  const beside = ratio(comparison, name, oneProcess.name).toFixed(3);
  console.log(`  ${name.padEnd(40)} ${min.toFixed(0)} / ${median.toFixed(0)}   ${beside}`);
}
