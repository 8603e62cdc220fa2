import { TrikdError } from '@trikd/core/domain/errors';
import type { SavedRun } from '@trikd/core/run/run-store';
import { fromRun } from '@trikd/protocol/convert-run-view';
import { ConditionStatus, type Run, type RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type StoredRuns, storedRunIn } from '../run-places.js';
import type { RunList } from './list.js';

/** The message of a run, as its orchestrator left it: without conditions that only the orchestrator knows that drives it. */
export function storedMessage(saved: SavedRun): Run {
  const run = fromRun(saved);
  return {
    ...run,
    conditions: run.conditions.filter(({ status }) => status !== ConditionStatus.CONDITION_STATUS_UNKNOWN),
  };
}

/** All runs that are stored. @param phases empty: all */
export async function allStored(runs: StoredRuns, phases: readonly RunPhase[]): Promise<RunList> {
  const list = { runs: [] as Run[], unreadable: [] as { runId: string; reason: string }[] };
  for (const runId of await runs.names()) {
    try {
      const run = storedMessage(await storedRunIn(runs, runId));
      if (phases.length === 0 || phases.includes(run.phase)) list.runs.push(run);
    } catch (error) {
      if (!(error instanceof TrikdError) || error.kind === 'unavailable') throw error;
      // One that was deleted meanwhile is none.
      if (error.kind !== 'not-found') list.unreadable.push({ runId, reason: error.message });
    }
  }
  return list;
}
