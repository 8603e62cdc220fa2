import type { Clock } from '@trikd/core/async/clock';

/** Milliseconds since 1970, with fractions. Monotonic: derived from a clock that starts at 0 with the process. */
export function wallTime(clock: Pick<Clock, 'now'>): () => number {
  return () => performance.timeOrigin + clock.now();
}
