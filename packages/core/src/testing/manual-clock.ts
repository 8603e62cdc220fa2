import type { Clock } from '../clock.js';

/** A clock for tests: it stands until it is moved. */
export interface ManualClock extends Clock {
  /** Moves on and wakes, in order, whoever sleeps until then, each with time to fall asleep again. */
  advance(ms: number): Promise<void>;
}

export function manualClock(): ManualClock {
  let time = 0;
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  return {
    now: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const fail = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper = {
          until: time + ms,
          wake: () => {
            signal?.removeEventListener('abort', fail);
            resolve();
          },
        };
        signal?.addEventListener('abort', fail, { once: true });
        sleepers.add(sleeper);
      }),
    async advance(ms) {
      const end = time + ms;
      for (;;) {
        await turn();
        const [next] = [...sleepers].sort((a, b) => a.until - b.until);
        if (!next || next.until > end) break;
        sleepers.delete(next);
        time = next.until;
        next.wake();
      }
      time = end;
    },
  };
}

/** Resolves when everything that could happen by itself has happened. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
