import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { listRuns, loadRun, type SavedRun } from '@trikd/core/run/run-store';
import { wantsTrio } from '@trikd/core/run/state';

export interface NextRunPorts {
  readonly store: ObjectStore;
  failed(runId: string, error: unknown): void;
}

/** Finds the first run, by name, that has something to do. A run that cannot be read is passed over, and reported once for each reason. */
export function createNextRun({ store, failed }: NextRunPorts): (signal: AbortSignal) => Promise<SavedRun | undefined> {
  /** The reason that was reported last, by run. */
  const unreadable = new Map<string, string>();

  const read = async (runId: string): Promise<SavedRun | undefined> => {
    try {
      const run = await loadRun(store, runId);
      unreadable.delete(runId);
      return run;
    } catch (error) {
      if (!(error instanceof TrikdError) || error.kind === 'unavailable') throw error;
      // It was deleted after it was listed.
      if (error.kind === 'not-found') return undefined;
      if (unreadable.get(runId) !== error.message) failed(runId, error);
      unreadable.set(runId, error.message);
      return undefined;
    }
  };

  return async (signal) => {
    for (const runId of await listRuns(store)) {
      if (signal.aborted) return undefined;
      const run = await read(runId);
      if (run && wantsTrio(run.state)) return run;
    }
    return undefined;
  };
}
