/** Distribution of durations, in milliseconds. */
export interface Spread {
  /** Median. */
  readonly p50: number;
  /** 95th percentile. */
  readonly p95: number;
  readonly max: number;
  readonly mean: number;
}

/** Zeros for an empty list. */
export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const mean = sorted.reduce((sum, time) => sum + time, 0) / Math.max(1, sorted.length);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), max: sorted.at(-1) ?? 0, mean };
}

/**
 * The smallest value that at least a share of all values does not exceed.
 * @param sorted ascending
 */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
