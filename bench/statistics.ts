/** Milliseconds of many steps, summed up. */
export interface Summary {
  readonly steps: number;
  readonly min: number;
  /** The quartiles: half of the steps lie between them. */
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  readonly p99: number;
}

export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return {
    ...{ steps: sorted.length, min: sorted[0]!, lower: at(0.25), median: at(0.5), upper: at(0.75), p99: at(0.99) },
  };
}

/** A ratio of two sides over rounds: each round's own ratio, the middle one, and where the true median lies. */
export interface PairedRatio {
  readonly rounds: number;
  readonly median: number;
  /** From, to, with a probability of at least 95 %; undefined of fewer than six rounds, which cannot tell. */
  readonly interval?: readonly [number, number];
}

/** Each round's value of one side over that of the other in the same round. @throws RangeError for no rounds, or unequally many */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): PairedRatio {
  if (ours.length === 0 || ours.length !== theirs.length)
    throw new RangeError(`expected as many rounds of both sides, got ${ours.length} and ${theirs.length}`);
  const sorted = ours.map((value, round) => value / theirs[round]!).sort((a, b) => a - b);
  const interval = medianInterval(sorted);
  return { rounds: sorted.length, median: middle(sorted), ...(interval && { interval }) };
}

const CONFIDENCE = 0.95;

/**
 * Values between which the median of their distribution lies, whatever the distribution is: the median is below the k-th smallest only if
 * at most k - 1 of n values fell on a side to which each falls with probability one half.
 */
function medianInterval(sorted: readonly number[]): readonly [number, number] | undefined {
  const count = sorted.length;
  // The probability that exactly `fewer` of the values are below the median.
  let probability = 0.5 ** count;
  let below = 0;
  let left = 0;
  for (let fewer = 0; fewer < count / 2; fewer++) {
    below += probability;
    if (2 * below > 1 - CONFIDENCE) break;
    left = fewer + 1;
    probability *= (count - fewer) / (fewer + 1);
  }
  return left === 0 ? undefined : [sorted[left - 1]!, sorted[count - left]!];
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
