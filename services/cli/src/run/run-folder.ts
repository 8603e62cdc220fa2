import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, TrikdError, undefinedIfAbsent } from '@trikd/core/domain/errors';
import { loadRun, type SavedRun, specKey } from '@trikd/core/run/stored/run-store';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { PRIVATE_FOLDER } from '@trikd/process/private-files';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { STORE_IN_RUN } from '@trikd/store/run-places';
import type { StoreConfig } from '@trikd/store/store-config';
import { tensorboardFiles } from '../commands/export-events/curve-files.js';
import { scalarReader } from '../commands/export-events/scalars.js';
import { storedEvents } from '../commands/export-events/stored-events.js';
import { canReport, writeReport } from '../commands/html-report/write-report.js';
import type { Shell } from '../terminal/shell.js';
import { openRunStore, storeInEnvironment, storeOfRun } from './run-store.js';

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

/** Files that `trikd run` writes from events: curves for TensorBoard during the run, and the report at its end. */
export interface RunFiles {
  readonly add: (message: WatchRunResponse) => Promise<void>;
  /** Writes the report. All services must have ended, so that the file of events is complete. */
  readonly close: (spec: RunSpec) => Promise<void>;
}

/**
 * Opens the files and fills them with the events of earlier attempts, so that a continued run has each value once.
 * @param failed called once for each file that cannot be written; the run does not depend on them
 */
export async function runFiles(
  folder: RunFolder,
  now: () => Date,
  failed: (reason: string) => void,
): Promise<RunFiles> {
  const files = tensorboardFiles(folder.tensorboard);
  const scalarsOf = scalarReader();
  const broken = new Set<string>();
  const unlessBroken = async (path: string, work: () => Promise<void>) => {
    if (broken.has(path)) return;
    await work().catch((error: unknown) => {
      broken.add(path);
      failed(`${path}: ${messageOf(error)}`);
    });
  };
  const { tensorboard, events, report } = folder;
  await unlessBroken(tensorboard, async () => {
    await rm(tensorboard, { recursive: true, force: true });
    if (!existsSync(events)) return;
    for await (const event of storedEvents(events)) await files.add(scalarsOf(event));
  });
  // When a service is killed, earlier messages may arrive after the run has ended: too late for the files.
  let closed = false;
  let added: Promise<void> = Promise.resolve();
  return {
    add: (message) => {
      if (closed) return added;
      const scalars = scalarsOf({ ...message, time: message.time ?? now() });
      added = added.then(() => unlessBroken(tensorboard, () => files.add(scalars)));
      return added;
    },
    close: async (spec) => {
      closed = true;
      await added;
      await unlessBroken(tensorboard, () => files.close());
      if (existsSync(events) && canReport()) {
        await unlessBroken(report, () => writeReport(storedEvents(events), JSON.stringify(spec), report));
      }
    },
  };
}
