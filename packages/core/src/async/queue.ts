/** Items in the order in which they were pushed, for one taker. */
export interface Queue<T> {
  /** How many items wait. */
  readonly length: () => number;
  readonly push: (item: T) => void;
  /** The oldest item, as soon as there is one. */
  readonly take: () => Promise<T>;
  /** Everything that waits, taken at once. */
  readonly rest: () => readonly T[];
}

export function queue<T>(): Queue<T> {
  const items: T[] = [];
  let wake = Promise.withResolvers<void>();
  return {
    length: () => items.length,
    push: (item) => {
      items.push(item);
      wake.resolve();
    },
    take: async () => {
      for (;;) {
        const item = items.shift();
        if (item !== undefined) return item;
        wake = Promise.withResolvers();
        await wake.promise;
      }
    },
    rest: () => items.splice(0),
  };
}
