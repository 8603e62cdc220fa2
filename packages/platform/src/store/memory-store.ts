import { TrikdError } from '@trikd/core/errors';
import { memoryStore } from '@trikd/core/run/memory-store';
import { isStoreKey, type ObjectStore } from '@trikd/core/store';

/** Where a store under test gives out. */
export interface MemoryStoreFaults {
  /** Called before each operation; true makes it fail as 'unavailable', with nothing written. */
  readonly failOn?: (key: string, operation: keyof ObjectStore) => boolean;
}

/** A store for tests: as strict about keys as the others, and failing where it is told to. */
export function openMemoryStore({ failOn = () => false }: MemoryStoreFaults = {}): ObjectStore {
  const store = memoryStore();
  const check = async (key: string, operation: keyof ObjectStore) => {
    if (operation !== 'list' && !isStoreKey(key)) {
      throw new TrikdError('invalid', `${JSON.stringify(key)} is no key of a store`, { key });
    }
    if (failOn(key, operation)) throw new TrikdError('unavailable', `${operation} of ${key} failed as it was told to`);
  };
  return {
    get: (key) => check(key, 'get').then(() => store.get(key)),
    size: (key) => check(key, 'size').then(() => store.size(key)),
    put: (key, bytes) => check(key, 'put').then(() => store.put(key, bytes)),
    create: (key, bytes) => check(key, 'create').then(() => store.create(key, bytes)),
    replace: (key, bytes, version) => check(key, 'replace').then(() => store.replace(key, bytes, version)),
    list: (prefix) => check(prefix, 'list').then(() => store.list(prefix)),
    remove: (key) => check(key, 'remove').then(() => store.remove(key)),
  };
}
