import { existsSync } from 'node:fs';
import { closest } from '@trikd/core/domain/closest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { loadRun, type SavedRun } from '@trikd/core/run/stored/run-store';
import { loadConfig } from '@trikd/process/config';
import { openRunPlaces, type RunPlaces } from '@trikd/store/run-places';
import { StoreConfig } from '@trikd/store/store-config';
import { z } from 'zod';
import type { StoreChoice } from '../options/options.js';
import type { Shell } from '../terminal/shell.js';
import { RUNS } from './run-folder.js';
import { placeInStore, storeInEnvironment } from './run-store.js';

/** Runs that are read where they are stored. */
export interface StoredRuns extends RunPlaces {
  /** As a person writes it: a path, or `s3://bucket/prefix`. */
  readonly name: string;
  readonly config: StoreConfig;
}

/** The part of a service's configuration that is read here. */
const Config = z.looseObject({ store: StoreConfig });

/**
 * Opens the stores that options name; without options those that `TRIKD_STORE__*` name, or else the folder `runs`.
 * @throws TrikdError 'invalid' when they name a store incompletely, 'not-found' when an option names a folder that does not exist,
 * 'unavailable' when the store cannot be reached
 */
export async function openStoredRuns(choice: StoreChoice, env: Shell['env']): Promise<StoredRuns> {
  const place = placeOf(choice, env);
  const chosen = choice.store ?? choice.config;
  if (chosen !== undefined && place.kind === 'folder' && !existsSync(place.path)) {
    throw new TrikdError('not-found', `there is no folder ${place.path}`);
  }
  return { ...(await openRunPlaces(place)), name: placeInStore(place), config: place };
}

function placeOf({ store, config }: StoreChoice, env: Shell['env']): StoreConfig {
  if (config !== undefined) return loadConfig(Config, env, config).store;
  if (store !== undefined) return { kind: 'folder', path: store };
  return storeInEnvironment(env) ?? { kind: 'folder', path: RUNS };
}

/** A run with its store. @throws TrikdError 'not-found' that names runs that exist, 'corrupt' when it cannot be read */
export async function storedRunIn(
  runs: StoredRuns,
  runId: string,
): Promise<SavedRun & { readonly store: ObjectStore }> {
  const store = await runs.storeOf(runId);
  if (store) return { ...(await loadRun(store, runId)), store };
  const names = await runs.names();
  const meant = closest(runId, names);
  const hint =
    names.length === 0 ? 'it has no runs' : meant === undefined ? `it has ${named(names)}` : `did you mean ${meant}?`;
  throw new TrikdError('not-found', `there is no run ${runId} in ${runs.name}; ${hint}`);
}

/** Names of runs in an error, at most. */
const MOST_NAMES = 20;

function named(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}
