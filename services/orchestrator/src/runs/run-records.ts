import type { ObjectStore } from '@trikd/core/domain/object-store';
import { deleteRun } from '@trikd/core/run/delete-run';
import type { Placement } from '@trikd/core/run/placement';
import { createRun, type NewRun, type SavedRun, saveRun } from '@trikd/core/run/run-store';
import type { RunState } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { RunIndex } from '../leadership/run-index.js';
import type { RunLog, RunRequest } from './run-log.js';

export interface RunChange {
  readonly state: RunState;
  readonly placement?: Placement;
  /** Of the leader that writes; absent: the term of the run stays. */
  readonly term?: number;
  readonly request?: RunRequest;
}

/** Writes runs. Every change of a run passes here: it gets its time, and a line in the log. */
export interface RunRecords {
  /** @throws TrikdError as `createRun` does */
  create(
    store: ObjectStore,
    spec: RunSpec,
    run?: Omit<NewRun, 'at'>,
  ): Promise<SavedRun & { readonly created: boolean }>;
  /** @throws TrikdError as `saveRun` does */
  save(store: ObjectStore, run: SavedRun, change: RunChange): Promise<SavedRun>;
  /** A change that was saved by the drive of the run. */
  saved(before: SavedRun, after: SavedRun): void;
  /** @throws TrikdError as `deleteRun` does */
  remove(store: ObjectStore, runId: string, term: number, requestId?: string): Promise<void>;
}

/**
 * @param date the time of day
 * @param index gets each run that is written or removed
 * @param changed gets each change
 */
export function createRunRecords(
  log: RunLog,
  date: () => Date,
  index: Pick<RunIndex, 'note' | 'forget'>,
  changed: (before: SavedRun, after: SavedRun) => void = () => undefined,
): RunRecords {
  const now = () => date().toISOString();
  return {
    async create(store, spec, wanted = {}) {
      const run = await createRun(store, spec, { ...wanted, at: now() });
      index.note(run);
      if (run.created) log.created(run, wanted.request);
      return run;
    },
    async save(store, run, { state, placement = run.placement, term = run.term, request }) {
      const id = request?.id === undefined ? {} : { request: request.id };
      const saved = await saveRun(store, run, { state, placement, term, ...id, at: now() });
      index.note(saved);
      log.saved(run, saved, request);
      changed(run, saved);
      return saved;
    },
    saved(before, after) {
      index.note(after);
      log.saved(before, after);
      changed(before, after);
    },
    async remove(store, runId, term, requestId) {
      await deleteRun(store, runId, term);
      index.forget(runId);
      log.deleted(runId, requestId);
    },
  };
}
