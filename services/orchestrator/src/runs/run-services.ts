import type { RunRules } from '@trikd/core/run/advance';
import type { RunEvent } from '@trikd/core/run/run-event';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Broadcasts } from '../events/broadcasts.js';
import type { RunLog, RunRecords } from './run-log.js';

/** What everything that changes runs shares: leading, driving and steering. */
export interface RunServices {
  readonly records: RunRecords;
  readonly log: RunLog;
  readonly broadcasts: Broadcasts;
  readonly counters: Counters;
}

/** Counts the events of the runs that were driven here. It goes on when a run is steered while it is not driven. */
interface Counters {
  /** Begins to count a run that is driven here. */
  begin(runId: string): void;
  count(runId: string, event: RunEvent): void;
}

/** Runs that are counted, at most; those that were driven longest ago are forgotten. */
const MOST = 4096;

/** @param open makes the counter of one run */
export function createCounters(open: (runId: string) => (event: RunEvent) => void): Counters {
  const counters = new Map<string, (event: RunEvent) => void>();
  return {
    begin(runId) {
      counters.delete(runId);
      counters.set(runId, open(runId));
      const [oldest] = counters.keys();
      if (counters.size > MOST && oldest !== undefined) counters.delete(oldest);
    },
    count: (runId, event) => counters.get(runId)?.(event),
  };
}

/** What the configuration says about every run. */
export interface RunLimits {
  /** Attempts that may be lost in a row before a run fails. */
  readonly retries: number;
  /** Checkpoints of the current stage to keep. */
  readonly keepPairs: number;
}

/** The rules of a run, as this orchestrator is configured. */
export function rulesOf(spec: RunSpec, { retries, keepPairs }: RunLimits): RunRules {
  return { spec, retries, keepPairs };
}
