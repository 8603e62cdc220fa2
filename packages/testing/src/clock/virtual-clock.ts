import type { Clock } from '@trikd/core/async/clock';

/** Time that passes when a test says so. */
export interface VirtualClock extends Clock {
  /** Lets time pass. Sleepers wake in the order of their times; what they set going is waited for before the next one wakes. */
  advance(ms: number): Promise<void>;
  /** How many sleep. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export function virtualClock(): VirtualClock {
  const sleeping = new Set<Sleeper>();
  let time = 0;

  const nextUpTo = (end: number): Sleeper | undefined => {
    const due = [...sleeping].filter(({ until }) => until <= end);
    return due.reduce<Sleeper | undefined>(
      (first, each) => (first && first.until <= each.until ? first : each),
      undefined,
    );
  };

  return {
    now: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = () => {
          sleeping.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          until: time + ms,
          wake: () => {
            signal?.removeEventListener('abort', abort);
            resolve();
          },
        };
        sleeping.add(sleeper);
        signal?.addEventListener('abort', abort, { once: true });
      }),
    async advance(ms) {
      const end = time + ms;
      await settled();
      for (let due = nextUpTo(end); due; due = nextUpTo(end)) {
        sleeping.delete(due);
        time = Math.max(time, due.until);
        due.wake();
        await settled();
      }
      time = end;
    },
    get sleepers() {
      return sleeping.size;
    },
  };
}

/** Everything that was to happen without time passing has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
