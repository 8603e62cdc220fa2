import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { listRuns, loadRun, type SavedRun } from '@trikd/core/run/run-store';

export interface RunReaderPorts {
  readonly store: ObjectStore;
  failed(runId: string, error: unknown): void;
}

/** Gets each run that was read. */
export type Found = (run: SavedRun) => void;

/** Reads runs. One that cannot be read is passed over, and reported once for each reason. */
export interface RunReader {
  /** Undefined for a run that does not exist or cannot be read. @throws TrikdError `unavailable` */
  read(runId: string): Promise<SavedRun | undefined>;
  /** Reads all runs, several at once, and calls `found` with each. @throws TrikdError `unavailable` */
  readAll(signal: AbortSignal, found: Found): Promise<void>;
  /** The runs that could not be read. */
  unreadable(): readonly string[];
}

/** Runs that are read at once. */
const AT_ONCE = 16;

export function createRunReader({ store, failed }: RunReaderPorts): RunReader {
  /** The reason that was reported last, by run. */
  const reasons = new Map<string, string>();

  const read = async (runId: string): Promise<SavedRun | undefined> => {
    try {
      const run = await loadRun(store, runId);
      reasons.delete(runId);
      return run;
    } catch (error) {
      if (!(error instanceof TrikdError) || error.kind === 'unavailable') throw error;
      if (error.kind === 'not-found') {
        reasons.delete(runId);
        return undefined;
      }
      if (reasons.get(runId) !== error.message) failed(runId, error);
      reasons.set(runId, error.message);
      return undefined;
    }
  };

  return {
    read,
    async readAll(signal, found) {
      const names = (await listRuns(store)).values();
      const readOn = async () => {
        for (const runId of names) {
          if (signal.aborted) return;
          const run = await read(runId);
          if (run) found(run);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, readOn));
    },
    unreadable: () => [...reasons.keys()],
  };
}
