import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@trikd/core/async/clock';

/** The process's own time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, { ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
