import { withProgress } from '../progress.js';
import type { Shell } from '../shell.js';

/** Between two redraws, in milliseconds. */
const INTERVAL = 200;

/** Shows what a command waits for, and for how long. */
export async function waiting<T>(what: string, work: Promise<T>, shell: Shell): Promise<T> {
  return await withProgress(shell, async (report) => {
    const started = performance.now();
    const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
    const timer = setInterval(() => report(`${what}: ${seconds()} s`), INTERVAL);
    return await work.finally(() => clearInterval(timer));
  });
}
