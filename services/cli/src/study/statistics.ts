import { philox4x32 } from '@trikd/core/data/random';
// biome-ignore lint/correctness/noUnresolvedImports: it has no types of its own, and Biome does not see ours
import jstat from 'jstat';

/** Mean and spread of a sample. */
export interface Sample {
  readonly count: number;
  readonly mean: number;
  /** Standard deviation with n - 1; 0 of a single value. */
  readonly deviation: number;
}

export function sampleOf(values: readonly number[]): Sample {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : 0 };
}

/** From, to. */
export type Interval = readonly [number, number];

/** The 95 % interval of a mean by Student's t; undefined of fewer than two values. */
export function tInterval({ count, mean, deviation }: Sample): Interval | undefined {
  if (count < 2) return undefined;
  const half = jstat.studentt.inv(0.975, count - 1) * (deviation / Math.sqrt(count));
  return [mean - half, mean + half];
}

/** Two-sided p of the hypothesis that the mean is 0, by Student's t; undefined of fewer than two values. */
export function tTest({ count, mean, deviation }: Sample): number | undefined {
  if (count < 2) return undefined;
  if (deviation === 0) return mean === 0 ? 1 : 0;
  const t = Math.abs(mean) / (deviation / Math.sqrt(count));
  return 2 * (1 - jstat.studentt.cdf(t, count - 1));
}

const RESAMPLES = 10_000;

/** The 95 % interval of a mean by the percentiles of 10,000 bootstrap resamples, the same for the same values; undefined of fewer than two. */
export function bootstrapInterval(values: readonly number[]): Interval | undefined {
  const { length } = values;
  if (length < 2) return undefined;
  const words = new Uint32Array(4);
  const means = Float64Array.from({ length: RESAMPLES }, (_, resample) => {
    let sum = 0;
    for (let draw = 0; draw < length; draw++) {
      if (draw % 4 === 0) {
        words.set([draw / 4, resample, length, 0]);
        philox4x32(words, RESAMPLES, 0);
      }
      sum += values[Math.floor((words[draw % 4]! / 0x1_0000_0000) * length)]!;
    }
    return sum / length;
  }).sort();
  return [percentile(means, 0.025), percentile(means, 0.975)];
}

/** Linear between the neighbours. @param sorted ascending */
function percentile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

/** Holm's correction of the p of several comparisons, in their order (Holm, *A simple sequentially rejective multiple test procedure*, 1979). */
export function holm(ps: readonly number[]): readonly number[] {
  const order = ps.map((_, index) => index).sort((a, b) => ps[a]! - ps[b]!);
  const corrected: number[] = new Array(ps.length).fill(1);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (ps.length - rank) * ps[index]!));
    corrected[index] = largest;
  }
  return corrected;
}
