import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@trikd/core/async/clock';

/** Longest wait of one timer of Node.js, in milliseconds: a timer that is set to more fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

type Wait = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** A sleep of any length, as timers that each can wait for their part of it. @param wait for at most MAX_TIMER_MS */
export function chained(wait: Wait): Clock['sleep'] {
  return async (ms, signal) => {
    let left = ms;
    for (; left > MAX_TIMER_MS; left -= MAX_TIMER_MS) await wait(MAX_TIMER_MS, signal);
    await wait(left, signal);
  };
}

/** The process's own time. */
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
