import { randomUUID } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { LEASE_KEY } from '@trikd/core/run/stored/lease';
import { type FaultPoint, type FaultPointDetails, faultPoint } from '@trikd/process/fault-points';
import type { Logger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { openFolderStore } from './folder-store.js';
import type { RetrySources } from './retrying-store.js';
import { proveConditionalWrites, s3Store } from './s3-store.js';
import { credentialsOf, type StoreConfig } from './store-config.js';

export interface OpenStoreOptions extends Partial<RetrySources> {
  /**
   * What to verify of a bucket first. `writes`, the default: the guarantees of conditional writes, for which it writes to
   * `probe/`. `reads`: that blobs may be read, for a process that writes nothing on a condition, and whose rights may end
   * there. `nothing`: for a look into a bucket.
   */
  readonly verify?: 'writes' | 'reads' | 'nothing';
}

/** A blob of no run: to ask for it is allowed where blobs may be read. */
const NO_BLOB = 'runs/probe/blobs/none.safetensors';

/**
 * Opens the configured store, and verifies what a bucket must guarantee or allow.
 * @throws TrikdError 'unavailable' if it cannot be reached or used, 'wrong-state' if it lacks a guarantee, 'invalid' for a
 * configuration that cannot work
 */
export async function openStore(config: StoreConfig, options: OpenStoreOptions = {}): Promise<ObjectStore> {
  const { clock = systemClock, random = Math.random, verify = 'writes' } = options;
  switch (config.kind) {
    case 'folder':
      return openFolderStore(config.path);
    case 's3': {
      // The client is as large as all that a process with a folder loads of gRPC.
      const { openS3Api } = await import('./s3-client.js');
      const api = openS3Api({ ...config, ...credentialsOf(config) });
      const writer = randomUUID();
      const store = s3Store(api, { clock, random, writer });
      if (verify === 'writes') await proveConditionalWrites(api, store, writer);
      if (verify === 'reads') await store.get(NO_BLOB);
      return store;
    }
  }
}

/** Opens the store of a process, with fault points. Logs a failure and exits. */
export async function openStoreOrExit(
  config: StoreConfig,
  log: Logger,
  options: OpenStoreOptions = {},
): Promise<ObjectStore> {
  try {
    return observedStore(await openStore(config, options));
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    log.fatal({ err: error }, 'store not opened');
    process.exit(1);
  }
}

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
  const blob = /\/blobs\/(?<stage>\d+)\.(?<attempt>\d+)\//.exec(key);
  const manifest = /\/manifests\/(?<stage>\d+)\/(?<step>\d+)-(?<attempt>\d+)\.json$/.exec(key);
  const numbers = Object.entries(blob?.groups ?? manifest?.groups ?? {});
  return {
    ...(runId !== undefined && { runId }),
    ...Object.fromEntries(numbers.map(([name, n]) => [name, Number(n)])),
  };
}

function phaseOf(bytes: Uint8Array): FaultPointDetails {
  const { state } = JSON.parse(new TextDecoder().decode(bytes));
  const { phase, stage, attempt } = state;
  return { phase, stage, attempt };
}
