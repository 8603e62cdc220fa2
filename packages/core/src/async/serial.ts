/** Runs work one piece at a time, in the order of the calls. */
export interface Serial {
  /** Runs `work` when all earlier work has settled, and settles as it does. A failure does not stop the work after it. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when all work up to now has settled. */
  idle(): Promise<void>;
}

export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(work) {
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    },
    idle: async () => {
      await last;
    },
  };
}
