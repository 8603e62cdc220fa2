import type { Clock } from '@trikd/core/async/clock';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { markers } from '@trikd/core/run/queue-markers';
import type { SavedRun } from '@trikd/core/run/run-store';

/** Milliseconds that the marker of a run is kept that may still be written as queued. */
const KEPT = 60_000;

export interface AnnouncedPorts {
  readonly store: ObjectStore;
  readonly clock: Pick<Clock, 'now'>;
  /** Reads a run. */
  read(runId: string): Promise<SavedRun | undefined>;
  /** Gets each run that was announced. */
  found(run: SavedRun): void;
  /** Whether this process still leads, as the store has it. */
  confirm(): Promise<boolean>;
}

/**
 * Looks for runs that were announced. A marker is removed only when this process was seen to lead after it had read the run: a process
 * that leads later reads all runs, and one that does not know that it was replaced removes nothing.
 * @throws TrikdError `unavailable`
 */
export function createAnnounced({ store, clock, read, found, confirm }: AnnouncedPorts): () => Promise<void> {
  let seen: ReadonlyMap<string, number> = new Map();
  return async () => {
    const present = await markers(store);
    if (present.length === 0) return;
    const kept = new Map<string, number>();
    const over: string[] = [];
    const runs = new Map<string, SavedRun | undefined>();
    for (const { key, runId } of present) {
      if (!runs.has(runId)) runs.set(runId, await read(runId));
      const run = runs.get(runId);
      if (run) found(run);
      const since = seen.get(key) ?? clock.now();
      if (!mayBeQueued(run) || clock.now() - since >= KEPT) over.push(key);
      else kept.set(key, since);
    }
    seen = kept;
    if (over.length === 0 || !(await confirm())) return;
    for (const key of over) await store.remove(key);
  };
}

/** Whether the write that a marker announces may be to come. */
function mayBeQueued(run: SavedRun | undefined): boolean {
  const phase = run?.state.phase;
  return phase === undefined || phase === 'failed' || phase === 'paused' || phase === 'waiting';
}
