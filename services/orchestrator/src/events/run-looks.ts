import { orAborted } from '@trikd/core/async/or-aborted';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { loadRun, type SavedRun } from '@trikd/core/run/run-store';
import type { RunView } from '@trikd/core/run/run-view';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { snapshotEvent } from '../api/messages.js';
import { createSharedReads } from './shared-reads.js';

/** A run as it is stored, and its snapshot: all watchers get the same message, which is encoded once. */
export interface Look {
  readonly run: SavedRun & Pick<RunView, 'queued'>;
  readonly snapshot: WatchRunResponse;
}

/** Looks at the stored runs that are watched: one look at a time for each run, however many watch it. */
export interface RunLooks {
  /** The run at this call, or later. */
  now(runId: string): Promise<Look>;
  /** The run when it may have changed, or the signal's reason. All who wait for the same run wait for the same look. */
  next(runId: string, signal: AbortSignal): Promise<Look>;
}

export interface LookPorts {
  readonly store: ObjectStore;
  /** A run that is not driven here, with its place in the queue. */
  inQueue(run: SavedRun): SavedRun & Pick<RunView, 'queued'>;
  /** Resolves when something may have changed, or after a while. */
  news(signal: AbortSignal): Promise<void>;
  /** Aborts when the process is to end: nobody waits any longer. */
  readonly drained: AbortSignal;
}

export function createRunLooks({ store, inQueue, news, drained }: LookPorts): RunLooks {
  const reads = createSharedReads(async (runId) => {
    const run = inQueue(await loadRun(store, runId));
    return { run, snapshot: snapshotEvent(run) };
  });
  const polls = new Map<string, Promise<Look>>();
  const poll = async (runId: string) => {
    await news(drained);
    polls.delete(runId);
    return reads.fresh(runId);
  };
  return {
    now: (runId) => reads.fresh(runId),
    next(runId, signal) {
      const shared = polls.get(runId) ?? poll(runId);
      polls.set(runId, shared);
      return orAborted(shared, signal);
    },
  };
}
