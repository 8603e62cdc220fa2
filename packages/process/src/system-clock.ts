import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@trikd/core/async/clock';
import type { Pauses } from '@trikd/core/async/slices';

/** The longest timer of Node.js, in milliseconds: a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

type Wait = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** Sleeps for any time, as a chain of timers. @param wait waits for at most MAX_TIMER_MS */
export function chained(wait: Wait): Clock['sleep'] {
  return async (ms, signal) => {
    let left = ms;
    for (; left > MAX_TIMER_MS; left -= MAX_TIMER_MS) await wait(MAX_TIMER_MS, signal);
    await wait(left, signal);
  };
}

/** The clock of the process; it starts at 0. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: chained(async (ms, signal) => {
    try {
      await delay(ms, undefined, { ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }),
};

/** Milliseconds since 1970, with fractions. Monotonic: derived from a clock that starts at 0 with the process. */
export function wallTime(clock: Pick<Clock, 'now'>): () => number {
  return () => performance.timeOrigin + clock.now();
}

/** Pauses in which the process does its other work. */
export const processPauses: Pauses = { now: () => performance.now(), turn };
