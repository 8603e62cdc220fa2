import { gainOver, type Metric } from '@trikd/core/tasks/metric';
import type { Row } from './row.js';
import { bootstrapInterval, holm, type Interval, type Sample, sampleOf, tInterval, tTest } from './statistics.js';

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
