import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Placement } from '@trikd/core/run/placement';
import type { QueueWait } from '@trikd/core/run/queue';
import type { RunView } from '@trikd/core/run/run-view';
import { conditionsOf, progressOf } from '@trikd/core/run/run-view';
import { wantsTrio } from '@trikd/core/run/state';
import { loadRun, noSuchRun, stateKey } from '@trikd/core/run/stored/run-store';
import { readTags } from '@trikd/core/run/stored/tags';
import { type RunSummary, summaryOf } from '@trikd/core/run/summary';

/** A summary with what only an orchestrator knows. */
export interface ListedRun extends RunSummary {
  /** 0..100. */
  readonly percent: number;
  /** What the run waits for, in one sentence; absent if it waits for nothing or that is not known here. */
  readonly waits?: string;
  readonly placement: Placement;
  /** Its place in the queue, where that is known. */
  readonly waiting?: QueueWait;
}

export interface SummaryPorts {
  readonly store: ObjectStore;
  /** The newest that is known of a run. */
  find(runId: string): Promise<RunView>;
  /** Whether it is driven here. */
  isDriven(runId: string): boolean;
}

/** Reads the summaries of runs. */
export interface RunSummaries {
  /** @param isTagged whether the run has an object with tags @throws TrikdError as `loadRun` and `readTags` do */
  read(runId: string, isTagged: boolean): Promise<ListedRun>;
}

/** Summaries that are kept; a run beyond is read in whole each time. */
const MOST_KEPT = 10_000;

/**
 * A run that neither has a trio nor waits for one changes only with its state file: its summary is kept with the version of that file, so
 * that a later reading of the run checks no spec and no state again.
 */
export function createRunSummaries({ store, find, isDriven }: SummaryPorts): RunSummaries {
  const kept = new Map<string, { readonly version: string; readonly run: ListedRun }>();

  const stored = async (runId: string): Promise<ListedRun> => {
    const present = await store.get(stateKey(runId));
    if (present === undefined) {
      kept.delete(runId);
      throw noSuchRun(runId);
    }
    const known = kept.get(runId);
    if (known?.version === present.version) return known.run;
    const saved = await loadRun(store, runId);
    if (wantsTrio(saved.state)) {
      kept.delete(runId);
      return listed(await find(runId));
    }
    const run = listed(saved);
    if (kept.has(runId) || kept.size < MOST_KEPT) kept.set(runId, { version: saved.version, run });
    return run;
  };

  return {
    async read(runId, isTagged) {
      const run = isDriven(runId) ? listed(await find(runId)) : await stored(runId);
      return isTagged ? { ...run, tags: await readTags(store, runId) } : run;
    },
  };
}

/** Without tags. */
function listed(view: RunView): ListedRun {
  const waits = conditionsOf(view).find(
    ({ type, holds }) => holds === true && (type === 'Queued' || type === 'Stalled'),
  );
  const { queued } = view;
  return {
    ...summaryOf(view, []),
    percent: progressOf(view).percent,
    ...(waits && { waits: waits.message }),
    placement: view.placement,
    ...(queued && 'position' in queued && { waiting: queued }),
  };
}
