import type { ObjectStore } from '@trikd/core/domain/object-store';

/** A write of one of the processes that share a store. */
export interface Write {
  readonly key: string;
  /** The content, when it is JSON. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** Where a process stands still: just before or just after a write, for as long as the test wants. */
export interface Freeze {
  readonly when: 'before' | 'after';
  at(write: Write): boolean;
}

/**
 * A store as a process sees it that stands still at a write, or when the test says so: it gets no answer from then on, and goes on where
 * it was when it thaws.
 */
export function freezing(inner: ObjectStore, { when, at }: Freeze = { when: 'before', at: () => false }) {
  const reached = Promise.withResolvers<void>();
  const thawed = Promise.withResolvers<void>();
  let frozen = false;
  const freeze = () => {
    frozen = true;
    reached.resolve();
  };
  const held =
    <A extends unknown[], T>(operation: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (frozen) await thawed.promise;
      return operation(...args);
    };
  const store: ObjectStore = {
    get: held(inner.get),
    size: held(inner.size),
    part: held(inner.part),
    put: held(inner.put),
    create: held(inner.create),
    list: held(inner.list),
    remove: held(inner.remove),
    replace: held(async (key, bytes, version) => {
      const isPlace = !frozen && at({ key, content: JSON.parse(Buffer.from(bytes).toString()) });
      if (isPlace && when === 'before') freeze();
      if (isPlace && when === 'before') await thawed.promise;
      const outcome = await inner.replace(key, bytes, version);
      if (isPlace && when === 'after') freeze();
      if (isPlace && when === 'after') await thawed.promise;
      return outcome;
    }),
  };
  return {
    store,
    freeze,
    reached: reached.promise,
    thaw: () => {
      frozen = false;
      thawed.resolve();
    },
  };
}
