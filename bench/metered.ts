import { readdirSync, readFileSync } from 'node:fs';
import type { DistributedTrio } from './distributed.ts';

/**
 * Milliseconds of processor time that JavaScript and its garbage collector have used: the first thread, and those that V8 has named. The
 * threads of TensorFlow have the names of those that made them.
 */
function cpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).filter(
    (task) => task === `${pid}` || /^V8Worker/.test(readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8')),
  );
  const ran = threads.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]));
  return ran.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
}

/** Memory that a process has for itself, in MB. */
function memoryOf(pid: number): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** The same trio, whose processor time is read around each turn. */
export function metered(trio: DistributedTrio) {
  const turns: Record<string, number>[] = [];
  const cpu = () => Object.fromEntries(Object.entries(trio.pids).map(([name, pid]) => [name, cpuOf(pid)]));
  const memory: Record<string, number> = {};
  return {
    ...trio,
    async step(count: number) {
      const before = cpu();
      const times = await trio.step(count);
      const after = cpu();
      turns.push(Object.fromEntries(Object.keys(after).map((name) => [name, (after[name]! - before[name]!) / count])));
      for (const [name, pid] of Object.entries(trio.pids)) memory[name] = memoryOf(pid);
      return times;
    },
    /** Milliseconds a step of each turn, the first left out: it is warm-up. */
    cpu: (service: string) => turns.slice(1).map((turn) => turn[service]!),
    memory: () => memory,
  };
}
