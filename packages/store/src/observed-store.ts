import type { ObjectStore } from '@trikd/core/domain/object-store';
import { LEASE_KEY } from '@trikd/core/run/lease';
import { type FaultPoint, type FaultPointDetails, faultPoint } from '@trikd/process/fault-points';

type Kind = 'blob' | 'manifest' | 'state' | 'pointer' | 'lease' | 'spec';

/** Adds the fault points of reads, writes and removals to a store. */
export function observedStore(store: ObjectStore): ObjectStore {
  const observed = async <T>(key: string, bytes: Uint8Array, write: () => Promise<T>): Promise<T> => {
    const kind = kindOf(key);
    if (!kind) return write();
    faultPoint(`${kind}.writing` satisfies FaultPoint, () => detailsOf(key, bytes));
    const outcome = await write();
    faultPoint(`${kind}.written` satisfies FaultPoint, () => ({
      ...detailsOf(key, bytes),
      ...(typeof outcome === 'string' && { outcome }),
    }));
    return outcome;
  };
  return {
    ...store,
    get: async (key) => {
      const object = await store.get(key);
      if (object && kindOf(key) === 'blob') faultPoint('blob.read', () => detailsOf(key, object.bytes));
      return object;
    },
    put: (key, bytes) => observed(key, bytes, () => store.put(key, bytes)),
    create: (key, bytes) => observed(key, bytes, () => store.create(key, bytes)),
    replace: (key, bytes, version) => observed(key, bytes, () => store.replace(key, bytes, version)),
    remove: async (key) => {
      faultPoint('object.removing', () => ({ key, ...placeOf(key) }));
      await store.remove(key);
      faultPoint('object.removed', () => ({ key, ...placeOf(key) }));
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

function detailsOf(key: string, bytes: Uint8Array): FaultPointDetails {
  return { key, bytes: bytes.length, ...placeOf(key), ...(kindOf(key) === 'state' && phaseOf(bytes)) };
}

/** The part of a run that a key belongs to. */
function placeOf(key: string): FaultPointDetails {
  const runId = /^runs\/([^/]+)\//.exec(key)?.[1];
  const blob = /\/blobs\/(?<generation>\d+)\.(?<attempt>\d+)\//.exec(key);
  const manifest = /\/manifests\/(?<generation>\d+)\/(?<step>\d+)-(?<attempt>\d+)\.json$/.exec(key);
  const numbers = Object.entries(blob?.groups ?? manifest?.groups ?? {});
  return {
    ...(runId !== undefined && { runId }),
    ...Object.fromEntries(numbers.map(([name, n]) => [name, Number(n)])),
  };
}

function phaseOf(bytes: Uint8Array): FaultPointDetails {
  const { state } = JSON.parse(new TextDecoder().decode(bytes));
  const { phase, generation, attempt } = state;
  return { phase, generation, attempt };
}
