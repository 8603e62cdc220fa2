import type { Clock } from '@trikd/core/async/clock';

/** Runs that could not be taken on, each with a pause before the next try that grows with every failure. */
export interface Setbacks {
  failed(runId: string): void;
  /** The run was taken on. */
  cleared(runId: string): void;
  /** Failures in a row. */
  count(runId: string): number;
  /** Whether the run is left alone for now. */
  pausing(runId: string): boolean;
}

/** Seconds. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;

export function createSetbacks(clock: Pick<Clock, 'now'>): Setbacks {
  const setbacks = new Map<string, { readonly until: number; readonly count: number }>();
  return {
    failed(runId) {
      const count = (setbacks.get(runId)?.count ?? 0) + 1;
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (count - 1));
      setbacks.set(runId, { count, until: clock.now() + 1000 * pause });
    },
    cleared: (runId) => void setbacks.delete(runId),
    count: (runId) => setbacks.get(runId)?.count ?? 0,
    pausing: (runId) => (setbacks.get(runId)?.until ?? Number.NEGATIVE_INFINITY) > clock.now(),
  };
}
