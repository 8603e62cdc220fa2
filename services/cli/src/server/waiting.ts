import { withProgress } from '../progress.js';
import type { Shell } from '../shell.js';

/** Between two pictures, in milliseconds. */
const INTERVAL = 200;

/** Says what is waited for, and for how long already. */
export async function waiting<T>(what: string, work: Promise<T>, shell: Shell): Promise<T> {
  return await withProgress(shell, async (tell) => {
    const begun = performance.now();
    const seconds = () => ((performance.now() - begun) / 1000).toFixed(0);
    const timer = setInterval(() => tell(`${what}: ${seconds()} s`), INTERVAL);
    return await work.finally(() => clearInterval(timer));
  });
}
