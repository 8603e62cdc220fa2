import { createLogUpdate } from 'log-update';
import { isTerminal, type Shell } from '../shell.js';

/** Between two pictures, in milliseconds. */
const INTERVAL = 200;

/** Says, where somebody looks on, what is waited for and for how long already. Standard output has the result alone. */
export async function waiting<T>(what: string, work: Promise<T>, { stderr }: Shell): Promise<T> {
  if (!isTerminal(stderr)) return await work;
  const draw = createLogUpdate(stderr);
  const begun = performance.now();
  const timer = setInterval(() => draw(`${what}: ${((performance.now() - begun) / 1000).toFixed(0)} s`), INTERVAL);
  return await work.finally(() => {
    clearInterval(timer);
    draw.clear();
  });
}
