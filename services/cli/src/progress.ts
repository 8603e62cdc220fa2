import { createLogUpdate } from 'log-update';
import { isTerminal, type Shell } from './shell.js';

/** Does long work, and shows where somebody looks on, on standard error, what the work says of itself. The last word is wiped away. */
export async function withProgress<T>(
  { stderr }: Shell,
  work: (tell: (text: string) => void) => Promise<T>,
): Promise<T> {
  if (!isTerminal(stderr)) return await work(() => undefined);
  const draw = createLogUpdate(stderr);
  return await work((text) => draw(text)).finally(() => draw.clear());
}
