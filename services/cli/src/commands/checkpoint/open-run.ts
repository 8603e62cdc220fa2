import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PairManifest } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { listRuns, loadRun, type SavedRun, specKey } from '@trikd/core/run/stored/run-store';
import { openStore } from '@trikd/store/open-store';
import type { StoreChoice } from '../../options/options.js';
import { chosenRunFolder, RUNS } from '../../run/run-folder.js';
import { configuredStore, openRunStore, placeInStore } from '../../run/run-store.js';

/** A run with its store. */
export interface OpenRun extends SavedRun {
  readonly store: ObjectStore;
  /** File of its events, when the run has a folder. */
  readonly events?: string;
}

/**
 * Opens the store of a run for reading.
 * @throws TrikdError 'not-found' that names the existing runs, 'corrupt' when the objects are not those of a run
 */
export async function openRun(
  runId: string,
  { store: runs, config }: StoreChoice,
  env: Readonly<Record<string, string | undefined>>,
): Promise<OpenRun> {
  if (config !== undefined) {
    const place = configuredStore(config, env);
    if (place.kind === 'folder' && !existsSync(place.path)) {
      throw new TrikdError('not-found', `there is no store at ${place.path}, which ${config} names`);
    }
    const store = await openStore(place, { verify: 'nothing' });
    return { ...(await savedRun(store, runId, `the store of ${config}`, listed(await listRuns(store)))), store };
  }
  const known = isRunId(runId);
  const folder = chosenRunFolder(runs, known ? runId : '-', env);
  const { path, store: place, events } = folder;
  const isLocal = place.kind === 'folder' && place.path.startsWith(path);
  if (!isLocal) {
    const store = await openRunStore(place);
    return {
      ...(await savedRun(store, runId, placeInStore(place), `--store ${RUNS} looks into that folder`)),
      store,
      events,
    };
  }
  const parent = dirname(path);
  if (!known || !existsSync(place.path)) throw noRun(runId, parent, listed(runFoldersIn(parent)));
  const store = await openRunStore(place);
  return { ...(await savedRun(store, runId, parent, listed(runFoldersIn(parent)))), store, events };
}

async function savedRun(store: ObjectStore, runId: string, place: string, hint: string): Promise<SavedRun> {
  try {
    if (isRunId(runId)) return await loadRun(store, runId);
  } catch (error) {
    if (!(error instanceof TrikdError && error.kind === 'not-found')) throw error;
  }
  throw noRun(runId, place, hint);
}

function isRunId(text: string): boolean {
  return PairManifest.shape.runId.safeParse(text).success;
}

function runFoldersIn(place: string): readonly string[] {
  if (!existsSync(place)) return [];
  return readdirSync(place).filter((name) => existsSync(join(place, name, 'store', specKey(name))));
}

function listed(runs: readonly string[]): string {
  return runs.length === 0 ? 'it has no runs' : `it has ${runs.toSorted().join(', ')}`;
}

function noRun(runId: string, place: string, hint: string): TrikdError {
  return new TrikdError('not-found', `there is no run ${runId} in ${place}; ${hint}`);
}
