import type { RunEvent } from '@trikd/core/run/run-event';

/** Counts the events of the runs that were driven here. It goes on when a run is steered while it is not driven. */
export interface Counters {
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
