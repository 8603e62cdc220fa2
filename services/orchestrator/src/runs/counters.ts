import type { RunNews } from './ports.js';

/** Counts what happens in the run that was driven last. It goes on when the run is steered while it is not driven. */
export interface Counters {
  /** Begins to count a run that is driven here. */
  begin(runId: string): void;
  count(runId: string, news: RunNews): void;
}

/** @param open makes the counter of one run */
export function createCounters(open: () => (news: RunNews) => void): Counters {
  let counted: { readonly runId: string; readonly count: (news: RunNews) => void } | undefined;
  return {
    begin(runId) {
      counted = { runId, count: open() };
    },
    count(runId, news) {
      if (counted?.runId === runId) counted.count(news);
    },
  };
}
