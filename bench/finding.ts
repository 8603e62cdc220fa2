import type { Comparison } from './rounds.ts';

/** What one measurement found. */
export interface Finding {
  readonly comparisons: readonly Comparison[];
  readonly ratios: readonly Ratio[];
}

/** One side's time over the other's, the median over rounds, against what we hold ourselves to. */
export interface Ratio {
  readonly what: string;
  readonly value: number;
  readonly goal: number;
}
