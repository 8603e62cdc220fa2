import type { Plot } from './series.js';

/** The lowest and the highest value that a plot shows. */
export type Range = readonly [low: number, high: number];

/** Share of the steps of each stage in which values change so much that later ones could not be told apart beside them. */
const START = 0.1;

/** Share of the values of batches, at each end, that may lie outside. */
const OUTLIERS = 0.02;

/** Room above and below the values, as a share of their range. */
const ROOM = 0.06;

interface RangeWanted {
  /** First and last step that are shown. */
  readonly from: number;
  readonly to: number;
  /** With all values, also those of the start of each stage. */
  readonly whole: boolean;
  /** On a logarithmic axis, which has no place for 0 and less. */
  readonly log: boolean;
}

/** The range of the vertical axis in which the curves can be told apart; undefined for a plot without values. */
export function rangeOf(plot: Plot, { from, to, whole, log }: RangeWanted): Range | undefined {
  const counts = plot.steps.map((step) => step >= from && step <= to && (whole || !isStart(plot, step)));
  const some = counts.some(Boolean) ? counts : plot.steps.map((step) => step >= from && step <= to);
  const ranges = plot.series.flatMap(({ values, split }) => {
    const shown = values.filter(
      (value, index): value is number =>
        some[index] === true && value !== undefined && Number.isFinite(value) && (!log || value > 0),
    );
    return shown.length === 0 ? [] : [rangeOfValues(shown, whole || split === 'validation' ? 0 : OUTLIERS)];
  });
  if (ranges.length === 0) return undefined;
  const low = Math.min(...ranges.map(([lowest]) => lowest));
  const high = Math.max(...ranges.map(([, highest]) => highest));
  if (log) return low === high ? [low / 2, high * 2] : [low / (high / low) ** ROOM, high * (high / low) ** ROOM];
  const room = low === high ? Math.abs(low) * ROOM || 1 : (high - low) * ROOM;
  return plot.share ? [Math.max(0, low - room), Math.min(1, high + room)] : [low - room, high + room];
}

/** Whether a step is at the start of its stage. */
function isStart({ marks, steps }: Plot, step: number): boolean {
  const index = marks.findLastIndex(({ at }) => at < step);
  const begin = marks[index]?.at ?? 0;
  const end = marks[index + 1]?.at ?? steps.at(-1) ?? 0;
  return step - begin < START * (end - begin);
}

function rangeOfValues(values: readonly number[], outliers: number): Range {
  const sorted = values.toSorted((a, b) => a - b);
  const skipped = Math.floor(outliers * sorted.length);
  return [sorted[skipped] ?? 0, sorted[sorted.length - 1 - skipped] ?? 0];
}

/**
 * Exponential means of values, without the pull of a start at 0: the mean of one value is the value. What is undefined stays undefined.
 * @param weight of the mean before, from 0, which changes nothing, to below 1
 * @param restarts indices at which a new mean begins
 */
export function smoothed(
  values: readonly (number | undefined)[],
  weight: number,
  restarts: ReadonlySet<number> = new Set(),
): readonly (number | undefined)[] {
  let [mean, share] = [0, 0];
  return values.map((value, index) => {
    if (restarts.has(index)) [mean, share] = [0, 0];
    if (value === undefined) return undefined;
    mean = weight * mean + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return mean / share;
  });
}
