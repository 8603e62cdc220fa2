import { drawing, isTerminal, type Shell } from './shell.js';

/** Does long work and shows its progress on a terminal, on standard error, until it is done. */
export async function withProgress<T>(
  { stderr }: Shell,
  work: (report: (text: string) => void) => Promise<T>,
): Promise<T> {
  if (!isTerminal(stderr)) return await work(() => undefined);
  const { draw, clear } = drawing(stderr);
  return await work(draw).finally(clear);
}
