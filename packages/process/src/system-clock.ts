import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@trikd/core/async/clock';

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
