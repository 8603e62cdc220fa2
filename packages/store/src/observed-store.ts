import type { ObjectStore } from '@trikd/core/domain/object-store';
import { LEASE_KEY } from '@trikd/core/run/lease';
import { type Point, type PointDetails, reach } from '@trikd/process/points';

type Kind = 'blob' | 'manifest' | 'state' | 'pointer' | 'lease' | 'spec';

/** The same store, telling what it is about to write, has written, has read and removes. */
export function observedStore(store: ObjectStore): ObjectStore {
  const telling = async <T>(key: string, bytes: Uint8Array, write: () => Promise<T>): Promise<T> => {
    const kind = kindOf(key);
    if (!kind) return write();
    reach(`${kind}.writing` satisfies Point, () => detailsOf(key, bytes));
    const outcome = await write();
    reach(`${kind}.written` satisfies Point, () => ({
      ...detailsOf(key, bytes),
      ...(typeof outcome === 'string' && { outcome }),
    }));
    return outcome;
  };
  return {
    ...store,
    get: async (key) => {
      const object = await store.get(key);
      if (object && kindOf(key) === 'blob') reach('blob.read', () => detailsOf(key, object.bytes));
      return object;
    },
    put: (key, bytes) => telling(key, bytes, () => store.put(key, bytes)),
    create: (key, bytes) => telling(key, bytes, () => store.create(key, bytes)),
    replace: (key, bytes, version) => telling(key, bytes, () => store.replace(key, bytes, version)),
    remove: async (key) => {
      reach('object.removing', () => ({ key, ...placeOf(key) }));
      await store.remove(key);
      reach('object.removed', () => ({ key, ...placeOf(key) }));
    },
  };
}

function kindOf(key: string): Kind | undefined {
  if (key === LEASE_KEY) return 'lease';
  if (/(^|\/)blobs\//.test(key)) return 'blob';
  if (key.includes('/manifests/')) return 'manifest';
  if (key.endsWith('/state.json')) return 'state';
  if (key.endsWith('/anchor.json')) return 'pointer';
  return key.endsWith('/spec.json') ? 'spec' : undefined;
}

function detailsOf(key: string, bytes: Uint8Array): PointDetails {
  return { key, bytes: bytes.length, ...placeOf(key), ...(kindOf(key) === 'state' && phaseOf(bytes)) };
}

/** What a key says of its place in a run. */
function placeOf(key: string): PointDetails {
  const runId = /^runs\/([^/]+)\//.exec(key)?.[1];
  const blob = /\/blobs\/(?<generation>\d+)\.(?<attempt>\d+)\//.exec(key);
  const manifest = /\/manifests\/(?<generation>\d+)\/(?<step>\d+)-(?<attempt>\d+)\.json$/.exec(key);
  const numbers = Object.entries(blob?.groups ?? manifest?.groups ?? {});
  return {
    ...(runId !== undefined && { runId }),
    ...Object.fromEntries(numbers.map(([name, n]) => [name, Number(n)])),
  };
}

function phaseOf(bytes: Uint8Array): PointDetails {
  const { state } = JSON.parse(new TextDecoder().decode(bytes));
  const { phase, generation, attempt } = state;
  return { phase, generation, attempt };
}
