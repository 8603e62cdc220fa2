import type { PairedRatio } from './statistics.ts';

/** What a comparison of two builds says about a limit. */
export type Verdict = 'slower' | 'not slower' | 'undecided';

/**
 * `slower` if the whole interval of the ratio is above the limit, `not slower` if none of it is: chance alone gives the wrong one of the two
 * at most once in forty comparisons.
 * @param ratio the new build over the reference
 */
export function verdictOn({ interval }: PairedRatio, limit: number): Verdict {
  if (!interval) return 'undecided';
  const [from, to] = interval;
  if (from > limit) return 'slower';
  return to <= limit ? 'not slower' : 'undecided';
}
