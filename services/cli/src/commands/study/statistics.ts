import { philox4x32 } from '@trikd/core/data/random';
import { gainOver, type Metric } from '@trikd/core/tasks/metric';
// biome-ignore lint/correctness/noUnresolvedImports: it has no types of its own, and Biome does not see ours
import jstat from 'jstat';
import type { Row } from './results-file.js';

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

/** An arm against a baseline, over the seeds that both have. */
export interface Difference {
  readonly baseline: string;
  /** Of the test metric, this arm minus the baseline; above 0 is better. */
  readonly gain: Sample;
  readonly t?: Interval;
  readonly bootstrap?: Interval;
  /** Corrected for all arms of the setting that are compared with the baseline (Holm). */
  readonly p?: number;
}

/** What an arm came to in a setting, over its seeds. */
export interface Finding {
  readonly setting: string;
  readonly arm: string;
  readonly seeds: readonly number[];
  /** Test metrics of the results, by name. */
  readonly test: Readonly<Record<string, Sample>>;
  /** Test metrics after temperature scaling on the validation split; absent where the task has none. */
  readonly calibrated?: Readonly<Record<string, Sample>>;
  /** Train minus test in the primary metric: the overfitting. */
  readonly gap: Sample;
  /** Multiplications with an addition. */
  readonly compute: Sample;
  /** Of the runs that count them; absent if none does. */
  readonly processorSeconds?: Sample;
  readonly differences: readonly Difference[];
}

/** Settings and arms of a study in their order, with what compares them. */
export interface Outline {
  readonly settings: readonly string[];
  readonly arms: readonly string[];
  readonly baselines: readonly string[];
}

/** Statistics of the rows of a study. Arms without a row are left out. */
export function findingsOf(rows: readonly Row[], outline: Outline, primary: Metric): readonly Finding[] {
  return outline.settings.flatMap((setting) =>
    inSetting(
      rows.filter((row) => row.setting === setting),
      setting,
      outline,
      primary,
    ),
  );
}

function inSetting(
  rows: readonly Row[],
  setting: string,
  { arms, baselines }: Outline,
  primary: Metric,
): readonly Finding[] {
  const byArm = new Map(
    arms.map((arm) => [arm, rows.filter((row) => row.arm === arm).sort((a, b) => a.seed - b.seed)]),
  );
  const present = arms.filter((arm) => byArm.get(arm)!.length > 0);
  const differences = new Map(baselines.map((baseline) => [baseline, against(byArm, present, baseline, primary)]));
  return present.map((arm) => {
    const own = byArm.get(arm)!;
    const test = samplesOf(own.map(({ result }) => result.test));
    const calibrated = own.flatMap(({ result }) => (result.calibrated ? [result.calibrated.test] : []));
    const seconds = own.flatMap(({ processorSeconds }) => processorSeconds ?? []);
    return {
      ...{ setting, arm, seeds: own.map(({ seed }) => seed), test },
      ...(calibrated.length > 0 && { calibrated: samplesOf(calibrated) }),
      gap: sampleOf(
        own.map(({ result }) => gainOver(primary.better, result.train[primary.name]!, result.test[primary.name]!)),
      ),
      compute: sampleOf(own.map(({ compute }) => compute)),
      ...(seconds.length > 0 && { processorSeconds: sampleOf(seconds) }),
      differences: baselines.flatMap((baseline) => differences.get(baseline)!.get(arm) ?? []),
    };
  });
}

function samplesOf(metrics: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, Sample>> {
  const names = Object.keys(metrics[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, sampleOf(metrics.map((each) => each[name]!))]));
}

/** All arms against one, with their p corrected together. */
function against(
  byArm: ReadonlyMap<string, readonly Row[]>,
  arms: readonly string[],
  baseline: string,
  { name, better }: Metric,
): ReadonlyMap<string, Difference> {
  const reference = new Map((byArm.get(baseline) ?? []).map(({ seed, result }) => [seed, result.test[name]!]));
  const compared = arms.flatMap((arm) => {
    if (arm === baseline) return [];
    const gains = byArm.get(arm)!.flatMap(({ seed, result }) => {
      const other = reference.get(seed);
      return other === undefined ? [] : [gainOver(better, result.test[name]!, other)];
    });
    return gains.length === 0 ? [] : [{ arm, gains, gain: sampleOf(gains) }];
  });
  const ps = compared.map(({ gain }) => tTest(gain));
  const corrected = holm(ps.map((p) => p ?? 1));
  return new Map(
    compared.map(({ arm, gains, gain }, index) => {
      const [t, bootstrap] = [tInterval(gain), bootstrapInterval(gains)];
      const p = ps[index] === undefined ? undefined : corrected[index];
      return [arm, { baseline, gain, ...(t && { t }), ...(bootstrap && { bootstrap }), ...(p !== undefined && { p }) }];
    }),
  );
}
