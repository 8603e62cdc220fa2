/** Reads things by their name, and shares each read between all who want it at the same time. */
export interface SharedReads<T> {
  /** What a read yields that begins at or after this call. While one is under way, all further calls share the one that follows it. */
  fresh(name: string): Promise<T>;
}

interface Reads<T> {
  readonly current: Promise<T>;
  next?: Promise<T>;
}

export function createSharedReads<T>(read: (name: string) => Promise<T>): SharedReads<T> {
  const underWay = new Map<string, Reads<T>>();

  const begin = (name: string): Promise<T> => {
    const reads: Reads<T> = { current: read(name) };
    underWay.set(name, reads);
    const over = () => {
      if (underWay.get(name) === reads && !reads.next) underWay.delete(name);
    };
    reads.current.then(over, over);
    return reads.current;
  };
  return {
    fresh(name) {
      const reads = underWay.get(name);
      if (!reads) return begin(name);
      const follow = () => begin(name);
      reads.next ??= reads.current.then(follow, follow);
      return reads.next;
    },
  };
}
