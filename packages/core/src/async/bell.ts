/**
 * Wakes all waiters when something may have changed. A waiter checks its condition again; a ring without waiters is
 * lost.
 */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or when the signal aborts. A waiter with a timeout of its own leaves nothing behind. */
  heard(signal?: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let waiting = new Set<() => void>();
  return {
    ring() {
      const woken = waiting;
      waiting = new Set();
      for (const wake of woken) wake();
    },
    heard: (signal) =>
      new Promise<void>((resolve) => {
        waiting.add(resolve);
        const leave = () => {
          waiting.delete(resolve);
          resolve();
        };
        signal?.addEventListener('abort', leave, { once: true });
      }),
  };
}
