import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import { undefinedIfAbsent } from '@trikd/core/domain/undefined-if-absent';
import { loadRun, type SavedRun, specKey } from '@trikd/core/run/run-store';
import { PRIVATE_FOLDER } from '@trikd/process/private-files';
import { STORE_IN_RUN } from '@trikd/store/run-places';
import type { StoreConfig } from '@trikd/store/store-config';
import { openRunStore, storeInEnvironment, storeOfRun } from './run-store.js';
import type { Shell } from './shell.js';

/** Where everything of one run is. */
export interface RunFolder {
  readonly runId: string;
  readonly path: string;
  /** The object store of its services: below `path` unless the environment names another. */
  readonly store: StoreConfig;
  /** One file for each service. */
  readonly logs: string;
  /** Events, a line of JSON each. */
  readonly events: string;
  /** Curves for TensorBoard. */
  readonly tensorboard: string;
  /** The report, a page of HTML. */
  readonly report: string;
}

/** Folder with a folder for each run, unless an option names another. */
export const RUNS = 'runs';

/** The folder of a run that has its store in it. @param runs folder with a folder for each run */
export function runFolder(runs: string, runId: string): RunFolder {
  const path = resolve(runs, runId);
  return {
    runId,
    path,
    store: { kind: 'folder', path: join(path, STORE_IN_RUN) },
    logs: join(path, 'logs'),
    events: join(path, 'events.jsonl'),
    tensorboard: join(path, 'tensorboard'),
    report: join(path, 'report.html'),
  };
}

/**
 * The folder of a run as options and environment choose it: `--store DIR` is a folder of runs that have their stores in them; without it
 * `TRIKD_STORE__*` name the store, and only files for people are in `runs`.
 * @throws TrikdError 'invalid' when the environment names a store incompletely
 */
export function chosenRunFolder(runs: string | undefined, runId: string, env: Shell['env']): RunFolder {
  const folder = runFolder(runs ?? RUNS, runId);
  const named = runs === undefined ? storeInEnvironment(env) : undefined;
  return named ? { ...folder, store: storeOfRun(named, runId) } : folder;
}

/** Names of the runs in a folder. */
export function localRuns(runs: string): readonly string[] {
  if (!existsSync(runs)) return [];
  const isRun = (name: string) =>
    existsSync(join(runs, name, STORE_IN_RUN, specKey(name))) || existsSync(join(runs, name, 'events.jsonl'));
  return readdirSync(runs).filter(isRun).sort();
}

/** The run as it was left, or undefined when there is none yet. @throws TrikdError 'unavailable' when its store cannot be reached */
export async function storedRun({ runId, store }: RunFolder): Promise<SavedRun | undefined> {
  if (store.kind === 'folder' && !existsSync(store.path)) return undefined;
  const load = async () => loadRun(await openRunStore(store), runId);
  return load().catch(undefinedIfAbsent);
}

/**
 * Makes the folders of a run that do not exist yet.
 * @throws TrikdError `unavailable`, naming the folder, when it cannot be made or written
 */
export async function makeRunFolder(folder: RunFolder): Promise<void> {
  await openRunStore(folder.store);
  try {
    await mkdir(folder.logs, { recursive: true, mode: PRIVATE_FOLDER });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new TrikdError('unavailable', `logs ${folder.logs}: ${reason}`, {}, { cause });
  }
}

/**
 * Removes a run and everything that belongs to it.
 * @throws TrikdError `invalid` when the folder is not that of a run
 */
export async function removeRun(folder: RunFolder): Promise<void> {
  const { runId, path, store } = folder;
  const inside = store.kind === 'folder' && store.path.startsWith(path);
  if (!inside) {
    await emptyStore(store, runId);
    const { logs, events, tensorboard, report } = folder;
    for (const own of [logs, events, tensorboard, report]) await rm(own, { recursive: true, force: true });
    return;
  }
  if (!existsSync(path)) return;
  if (!existsSync(join(store.path, specKey(runId)))) {
    throw new TrikdError('invalid', `${path} is not the folder of run ${runId}, so it was not removed`);
  }
  await rm(path, { recursive: true });
}

/** The spec goes last: until then a removal that was cut short can be repeated. */
async function emptyStore(config: StoreConfig, runId: string): Promise<void> {
  const store = await openRunStore(config);
  const others = (await store.list('')).filter((key) => key !== specKey(runId));
  for (const key of [...others, specKey(runId)]) await store.remove(key);
}
