import type { RunEvent } from '@trikd/core/run/run-event';

/** Counts the events of the run that was driven last. It goes on when the run is steered while it is not driven. */
export interface Counters {
  /** Begins to count a run that is driven here. */
  begin(runId: string): void;
  count(runId: string, event: RunEvent): void;
}

/** @param open makes the counter of one run */
export function createCounters(open: (runId: string) => (event: RunEvent) => void): Counters {
  let counted: { readonly runId: string; readonly count: (event: RunEvent) => void } | undefined;
  return {
    begin(runId) {
      counted = { runId, count: open(runId) };
    },
    count(runId, event) {
      if (counted?.runId === runId) counted.count(event);
    },
  };
}
