import { TrikdError } from '@trikd/core/domain/errors';
import { isStoreKey, type ObjectStore, type StoredObject } from '@trikd/core/domain/object-store';

/** Where a store under test fails. */
export interface MemoryStoreFaults {
  /** Called before each operation; true makes it fail as 'unavailable', with nothing written. */
  readonly failOn?: (key: string, operation: keyof ObjectStore) => boolean;
}

/** A store that lives as long as its process. It is as strict about keys as the other stores, and fails where `failOn` says so. */
export function memoryStore({ failOn = () => false }: MemoryStoreFaults = {}): ObjectStore {
  const objects = new Map<string, StoredObject>();
  // By folder: with many runs, a list would otherwise look at all objects of all runs.
  const folders = new Map<string, Set<string>>();
  let writes = 0;
  const check = (key: string, operation: keyof ObjectStore) => {
    if (operation !== 'list' && !isStoreKey(key)) {
      throw new TrikdError('invalid', `${JSON.stringify(key)} is not a valid store key`, { key });
    }
    if (failOn(key, operation)) throw new TrikdError('unavailable', `${operation} of ${key} failed on purpose`);
  };
  const write = (key: string, bytes: Uint8Array) => {
    writes += 1;
    // Not `slice`: that of a Buffer returns a view of the same memory.
    folders.set(folderOf(key), (folders.get(folderOf(key)) ?? new Set()).add(key));
    objects.set(key, { bytes: new Uint8Array(bytes), version: `${writes}` });
  };
  return {
    get: async (key) => {
      check(key, 'get');
      return objects.get(key);
    },
    size: async (key) => {
      check(key, 'size');
      return objects.get(key)?.bytes.byteLength;
    },
    part: async (key, offset, length) => {
      check(key, 'part');
      return objects.get(key)?.bytes.slice(offset, offset + length);
    },
    put: async (key, bytes) => {
      check(key, 'put');
      write(key, bytes);
    },
    create: async (key, bytes) => {
      check(key, 'create');
      if (objects.has(key)) return 'exists';
      write(key, bytes);
      return 'created';
    },
    replace: async (key, bytes, version) => {
      check(key, 'replace');
      if (objects.get(key)?.version !== version) return 'conflict';
      write(key, bytes);
      return 'replaced';
    },
    list: async (prefix) => {
      check(prefix, 'list');
      const within = folderOf(prefix);
      const isWhole = within.split('/').length > FOLDERS;
      const groups = isWhole ? [folders.get(within) ?? []] : folders.values();
      return [...groups].flatMap((keys) => [...keys].filter((key) => key.startsWith(prefix))).sort();
    },
    remove: async (key) => {
      check(key, 'remove');
      objects.delete(key);
      folders.get(folderOf(key))?.delete(key);
    },
  };
}

/** Names in the folder of a run. */
const FOLDERS = 2;

/** The folder of a key, as deep as that of a run at most. */
function folderOf(key: string): string {
  return key
    .split('/')
    .slice(0, -1)
    .slice(0, FOLDERS)
    .map((name) => `${name}/`)
    .join('');
}
