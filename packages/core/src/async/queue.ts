/** A first-in, first-out queue with one consumer. */
export interface Queue<T> {
  /** Number of queued items. */
  readonly length: () => number;
  readonly push: (item: T) => void;
  /** Removes the oldest item, waiting for one if the queue is empty. */
  readonly take: () => Promise<T>;
  /** Removes and returns all queued items. */
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
