import type { ObjectStore, StoredObject } from '../store.js';

/** A store in the memory of the process, for tests and trials. */
export function memoryStore(): ObjectStore {
  const objects = new Map<string, StoredObject>();
  let writes = 0;
  const write = (key: string, bytes: Uint8Array) => {
    writes += 1;
    // `slice` of a Buffer would be a view of the same memory.
    objects.set(key, { bytes: new Uint8Array(bytes), version: `${writes}` });
  };
  return {
    get: async (key) => objects.get(key),
    size: async (key) => objects.get(key)?.bytes.byteLength,
    put: async (key, bytes) => write(key, bytes),
    create: async (key, bytes) => {
      if (objects.has(key)) return 'exists';
      write(key, bytes);
      return 'created';
    },
    replace: async (key, bytes, version) => {
      if (objects.get(key)?.version !== version) return 'conflict';
      write(key, bytes);
      return 'replaced';
    },
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
    remove: async (key) => {
      objects.delete(key);
    },
  };
}
