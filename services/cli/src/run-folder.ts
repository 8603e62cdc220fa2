import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { loadRun, type SavedRun, specKey } from '@trikd/core/run/run-store';
import { openFolderStore } from '@trikd/store/folder-store';

/** Where everything of one run lies: nothing of it is anywhere else. */
export interface RunFolder {
  readonly runId: string;
  readonly path: string;
  /** The object store of its services. */
  readonly store: string;
  /** One file for each service. */
  readonly logs: string;
  /** What happened, a line of JSON each. */
  readonly events: string;
  /** Curves for TensorBoard. */
  readonly tensorboard: string;
  /** What the run did and came to, as a page of HTML. */
  readonly report: string;
}

/** @param folder gets a folder for each run */
export function runFolder(folder: string, runId: string): RunFolder {
  const path = resolve(folder, runId);
  return {
    runId,
    path,
    store: join(path, 'store'),
    logs: join(path, 'logs'),
    events: join(path, 'events.jsonl'),
    tensorboard: join(path, 'tensorboard'),
    report: join(path, 'report.html'),
  };
}

/** The run as it was left, or undefined when there is none yet. */
export async function storedRun(folder: RunFolder): Promise<SavedRun | undefined> {
  if (!existsSync(folder.store)) return undefined;
  try {
    return await loadRun(await openFolderStore(folder.store), folder.runId);
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

/**
 * Makes the folders of a run, those that are not there yet.
 * @throws TrikdError `unavailable`, naming the folder, when it cannot be made or written
 */
export async function makeRunFolder(folder: RunFolder): Promise<void> {
  await openFolderStore(folder.store);
  try {
    await mkdir(folder.logs, { recursive: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : `${cause}`;
    throw new TrikdError('unavailable', `logs ${folder.logs}: ${reason}`, {}, { cause });
  }
}

/**
 * Removes a run and everything that belongs to it.
 * @throws TrikdError `invalid` when the folder is not that of a run
 */
export async function removeRun(folder: RunFolder): Promise<void> {
  if (!existsSync(folder.path)) return;
  if (!existsSync(join(folder.store, specKey(folder.runId)))) {
    throw new TrikdError('invalid', `${folder.path} is not the folder of run ${folder.runId}: it is left as it is`);
  }
  await rm(folder.path, { recursive: true });
}
