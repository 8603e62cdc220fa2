import type { Clock } from '@trikd/core/async/clock';

/** Milliseconds since 1970, with fractions, by a clock whose zero is the start of the process: it never goes back. */
export function wallTime(clock: Pick<Clock, 'now'>): () => number {
  return () => performance.timeOrigin + clock.now();
}
