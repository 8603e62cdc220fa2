/** Wakes everybody who waits for something to change. Who wakes looks again; a ring that nobody waits for is lost. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or when the signal aborts: who looks again anyhow after a while leaves nothing behind. */
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
