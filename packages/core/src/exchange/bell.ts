/** Wakes everybody who waits for something to change. Who wakes looks again; a ring that nobody waits for is lost. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring. */
  heard(): Promise<void>;
}

export function createBell(): Bell {
  let waiting: (() => void)[] = [];
  return {
    ring() {
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    heard: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}
