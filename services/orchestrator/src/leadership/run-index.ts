import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Owner, Placement } from '@trikd/core/run/placement';
import type { RunTimes } from '@trikd/core/run/run-event';
import { type RunState, wantsTrio } from '@trikd/core/run/state';
import { listRuns, loadRun, type SavedRun } from '@trikd/core/run/stored/run-store';

/** What a leader remembers of a run: enough to decide who gets a trio. */
export interface IndexedRun {
  readonly runId: string;
  readonly phase: RunState['phase'];
  readonly revision: number;
  readonly placement: Placement;
  /** When it was queued last, as ISO 8601. */
  readonly queuedAt?: string;
  /** Whose quota it counts against. */
  readonly owner?: string;
}

/** The runs of the store, as far as this process has read or written them. While it leads, that is all of them. */
export interface RunIndex {
  /** A run was read or written. */
  note(run: SavedRun): void;
  forget(runId: string): void;
  get(runId: string): IndexedRun | undefined;
  /** The runs that have a trio or wait for one. A decision does not cost more with each run that has ended. */
  wanting(): Iterable<IndexedRun>;
  /** How many runs of an owner wait. */
  queuedOf(owner: string): number;
  clear(): void;
}

/** @param changed is called when a run changes its phase or its placement */
export function createRunIndex(changed: () => void): RunIndex {
  const runs = new Map<string, IndexedRun>();
  const wanting = new Map<string, IndexedRun>();
  const queued = new Map<string, number>();
  const count = (run: IndexedRun | undefined, by: 1 | -1) => {
    if (run?.owner !== undefined && run.phase === 'queued') queued.set(run.owner, (queued.get(run.owner) ?? 0) + by);
  };
  return {
    note({ spec: { name: runId }, state: { phase }, revision, placement, owner, times }) {
      const before = runs.get(runId);
      // What was read before a write may arrive after it.
      if (before && before.revision > revision) return;
      const [key, queuedAt] = [ownerKey(owner), queuedAtOf(times)];
      const run: IndexedRun = {
        ...{ runId, phase, revision, placement },
        ...(queuedAt !== undefined && { queuedAt }),
        ...(key !== undefined && { owner: key }),
      };
      runs.set(runId, run);
      if (wantsTrio(run)) wanting.set(runId, run);
      else wanting.delete(runId);
      count(before, -1);
      count(run, 1);
      const { number, trio } = placement;
      if (before?.phase !== phase || before.placement.trio !== trio || before.placement.number !== number) changed();
    },
    forget(runId) {
      count(runs.get(runId), -1);
      wanting.delete(runId);
      if (runs.delete(runId)) changed();
    },
    get: (runId) => runs.get(runId),
    wanting: () => wanting.values(),
    queuedOf: (owner) => queued.get(owner) ?? 0,
    clear() {
      for (const map of [runs, wanting, queued]) map.clear();
    },
  };
}

/** When a queued run was queued, as ISO 8601. A run that has lost its trio keeps its place, but waits anew. */
export function queuedAtOf({ changed, created }: RunTimes): string | undefined {
  return changed.Queued ?? created;
}

/** Who shares a quota: a team, or a person without one. */
export function ownerKey(owner: Owner | undefined): string | undefined {
  return owner && (owner.team ?? owner.subject);
}

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
