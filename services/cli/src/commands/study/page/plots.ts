import type { Metric } from '@trikd/core/tasks/metric';
import { type Finding, type Sample, tInterval } from '../statistics.js';
import { rowsPlot, type Series, seriesPlot } from './draw.js';
import type { StudyFacts } from './markdown.js';

/** A number of a metric as plots have it: a share in percent. */
function shown({ format }: Metric, value: number): number {
  return format === 'share' ? 100 * value : value;
}

function axisTitle({ label, format, unit }: Metric): string {
  const measure = format === 'share' ? '%' : unit;
  return measure === undefined ? label : `${label}, ${measure}`;
}

/** A row for each arm: the mean with its 95 % interval, and a small dot for each seed. */
export function intervalPlot(findings: readonly Finding[], rows: StudyFacts['rows'], metric: Metric): string {
  const arms = findings.map(({ setting, arm, test }) => {
    const sample = test[metric.name]!;
    const interval = tInterval(sample);
    return {
      name: arm,
      value: shown(metric, sample.mean),
      ...(interval && { interval: [shown(metric, interval[0]), shown(metric, interval[1])] as const }),
      dots: rows
        .filter((row) => row.arm === arm && row.setting === setting)
        .map(({ result }) => shown(metric, result.test[metric.name]!)),
    };
  });
  return rowsPlot(arms, { axis: axisTitle(metric), what: `test ${metric.label} of each arm` });
}

/** The mean test metric against the compute of each arm. */
export function computePlot(findings: readonly Finding[], metric: Metric): string {
  const series = findings.map(({ arm, compute, test }) => ({
    name: arm,
    points: [pointOf(compute.mean / 1e9, metric, test[metric.name]!)],
  }));
  return seriesPlot(
    series,
    'compute, billions of multiply-adds',
    axisTitle(metric),
    `test ${metric.label} against compute`,
  );
}

/** Train minus test against the number of training images, a line for each arm. */
export function gapPlot({ findings, outline, primary, trainImages }: StudyFacts): string | undefined {
  const series = outline.arms.flatMap((name): Series[] => {
    const points = findings
      .filter(({ arm, setting }) => arm === name && trainImages[setting] !== undefined)
      .map(({ setting, gap }) => pointOf(trainImages[setting]!, primary, gap))
      .sort((a, b) => a.x - b.x);
    return points.length < 2 ? [] : [{ name, points }];
  });
  if (series.length === 0) return undefined;
  return seriesPlot(
    series,
    'training images',
    `train - test ${axisTitle(primary)}`,
    'overfitting against training images',
  );
}

/** The mean, with the standard error as a bar. */
function pointOf(x: number, metric: Metric, { count, mean, deviation }: Sample): Series['points'][number] {
  const [y, error] = [shown(metric, mean), shown(metric, deviation) / Math.sqrt(count)];
  return { x, y, interval: [y - error, y + error] };
}

/** Every plot of a study, by the name of its file. */
export function studyPlots(facts: StudyFacts): Readonly<Record<string, string>> {
  const { findings, rows, outline, primary } = facts;
  const each = outline.settings.flatMap((setting) => {
    const own = findings.filter((finding) => finding.setting === setting);
    const named = (what: string) => (setting === '' ? what : `${what}-${setting}`);
    return own.length === 0
      ? []
      : [
          [named(primary.name), intervalPlot(own, rows, primary)],
          [named('compute'), computePlot(own, primary)],
        ];
  });
  const gap = gapPlot(facts);
  return { ...Object.fromEntries(each), ...(gap !== undefined && { overfitting: gap }) };
}
