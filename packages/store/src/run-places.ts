import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { isStoreKey, type ObjectStore, type StoreReader } from '@trikd/core/domain/object-store';
import { runsIn, stateKey } from '@trikd/core/run/stored/run-store';
import { hasCode } from '@trikd/process/error-code';
import { readFolderStore } from './folder-store.js';
import { openStore } from './open-store.js';
import { folderError } from './staging.js';
import type { StoreConfig } from './store-config.js';

/** In a shared store each run of `trikd run` is apart: its orchestrator would also drive every other run that it finds. */
export const OWN_STORES = 'trikd-run';

/** The store of a run of `trikd run` within the folder of the run. */
export const STORE_IN_RUN = 'store';

/** Runs in one store or in many, for reading: services share a store, and each run of `trikd run` has its own. */
export interface RunPlaces {
  /** Names of all runs, sorted. */
  names(): Promise<readonly string[]>;
  /** Keys of all objects below `runs/`, each of a run in that run's store, sorted. */
  keys(): Promise<readonly string[]>;
  /** The store of a run; undefined when there is no such run. Its functions that write throw TrikdError 'wrong-state'. */
  storeOf(runId: string): Promise<ObjectStore | undefined>;
}

/**
 * Finds runs in a folder, which is a store, has a store in it as that of `trikd up`, or has a folder for each run as that of `trikd run`;
 * or in a bucket. Creates and locks nothing.
 * @throws TrikdError 'unavailable' when the store cannot be reached
 */
export async function openRunPlaces(config: StoreConfig): Promise<RunPlaces> {
  return config.kind === 'folder'
    ? folderPlaces(config.path)
    : bucketPlaces(await openStore(config, { verify: 'nothing' }));
}

/** A store whose objects can be read alone. */
export function readOnly(reader: StoreReader): ObjectStore {
  const refuse = async () => {
    throw new TrikdError('wrong-state', 'this store was opened to read it');
  };
  const { get, size, part, list } = reader;
  return { get, size, part, list, put: refuse, create: refuse, replace: refuse, remove: refuse };
}

/**
 * All runs as one store, for reading. What belongs to no run is not in it. It lists the keys of one run, or all keys below `runs/`.
 */
export function asOneStore({ keys, storeOf }: RunPlaces): ObjectStore {
  const ofRun = async (key: string) => {
    const [, runId] = /^(?:runs|events)\/([^/]+)\//.exec(key) ?? [];
    return runId === undefined ? undefined : storeOf(runId);
  };
  return readOnly({
    get: async (key) => (await ofRun(key))?.get(key),
    size: async (key) => (await ofRun(key))?.size(key),
    part: async (key, offset, length) => (await ofRun(key))?.part(key, offset, length),
    list: async (prefix) => (prefix === 'runs/' ? keys() : ((await (await ofRun(prefix))?.list(prefix)) ?? [])),
  });
}

function folderPlaces(folder: string): RunPlaces {
  const root = resolve(folder);
  const shared = [root, join(root, STORE_IN_RUN)];
  const foldersOf = (runId: string) => [join(root, runId, STORE_IN_RUN), join(root, OWN_STORES, runId), ...shared];
  const storeOf = async (runId: string) => {
    if (!isStoreKey(runId)) return undefined;
    for (const place of foldersOf(runId)) {
      const reader = readFolderStore(place);
      if ((await reader.size(stateKey(runId))) !== undefined) return readOnly(reader);
    }
    return undefined;
  };
  const found = async () => {
    const parents = [root, join(root, OWN_STORES), ...shared.map((place) => join(place, 'runs'))];
    const names = [...new Set((await Promise.all(parents.map(namesIn))).flat())];
    const stores = await Promise.all(names.map(async (name) => ({ name, store: await storeOf(name) })));
    return stores.flatMap(({ name, store }) => (store ? [{ name, store }] : []));
  };
  return {
    names: async () => (await found()).map(({ name }) => name).sort(),
    async keys() {
      const keys = (await found()).map(({ name, store }) => store.list(`runs/${name}/`));
      return (await Promise.all(keys)).flat().sort();
    },
    storeOf,
  };
}

/** Names in a folder; none where there is no folder. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw folderError(folder, error);
  }
}

/** As {@link openRunPlaces}, of a bucket that is open. */
export function bucketPlaces(bucket: StoreReader): RunPlaces {
  const ownStore = (runId: string) => below(bucket, `${OWN_STORES}/${runId}/`);
  // Of the last listing: each look into a bucket is a request.
  let own: ReadonlySet<string> = new Set();
  let shared: ReadonlySet<string> = new Set();
  const keys = async () => {
    const [ownKeys, sharedKeys] = await Promise.all([bucket.list(`${OWN_STORES}/`), bucket.list('runs/')]);
    const keysOfOwn = ownKeys.flatMap((key) => {
      const [, folder, inStore, name] = /^[^/]+\/([^/]+)\/(runs\/([^/]+)\/.+)$/.exec(key) ?? [];
      return inStore !== undefined && folder === name ? [inStore] : [];
    });
    own = new Set(runsIn(keysOfOwn));
    shared = new Set(runsIn(sharedKeys));
    return [...keysOfOwn, ...sharedKeys.filter((key) => !own.has(key.split('/')[1] ?? ''))].sort();
  };
  return {
    names: async () => runsIn(await keys()),
    keys,
    async storeOf(runId) {
      if (!isStoreKey(runId)) return undefined;
      if (own.has(runId)) return readOnly(ownStore(runId));
      if (shared.has(runId)) return readOnly(bucket);
      for (const reader of [ownStore(runId), bucket]) {
        if ((await reader.size(stateKey(runId))) !== undefined) return readOnly(reader);
      }
      return undefined;
    },
  };
}

/** The objects below a prefix, by the rest of their keys. */
function below({ get, size, part, list }: StoreReader, prefix: string): StoreReader {
  return {
    get: (key) => get(`${prefix}${key}`),
    size: (key) => size(`${prefix}${key}`),
    part: (key, offset, length) => part(`${prefix}${key}`, offset, length),
    list: async (start) => (await list(`${prefix}${start}`)).map((key) => key.slice(prefix.length)),
  };
}
