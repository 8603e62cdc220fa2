/**
 * Wakes all waiters when something may have changed. A waiter checks its condition again; a ring without waiters is
 * lost.
 */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or when the signal aborts, and leaves nothing on the signal. */
  heard(signal?: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  return {
    ring() {
      for (const wake of [...waiting]) wake();
    },
    heard: (signal) =>
      new Promise<void>((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      }),
  };
}
