import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import type { Score } from '@trikd/protocol/gen/browser/trikd/v1/common';
import { lossText, percent } from './names.js';

type Metrics = Readonly<Score['metrics']>;

/** A value as its metric is shown: `93.10 %`, `0.2345`. @param digits of a share in percent */
export function metricText({ format }: Metric, value: number, digits = 2): string {
  return format === 'share' ? percent(value, digits) : lossText(value, 4);
}

/** The value of a metric in a score; empty where it is not known. */
export function valueText(metric: Metric, score: { readonly metrics: Metrics } | undefined): string {
  const value = score?.metrics[metric.name];
  return value === undefined ? '' : metricText(metric, value);
}

/** The value of the metric that decides; undefined where nothing was measured. */
export function primaryValue(metrics: Metrics | undefined): number | undefined {
  return measured(metrics ?? {})[0]?.value;
}

/** The metric that decides: `93.10 %`; undefined where nothing was measured. */
export function primaryText(metrics: Metrics | undefined, digits = 2): string | undefined {
  const [first] = measured(metrics ?? {});
  return first && metricText(first.metric, first.value, digits);
}

/** The other metrics: `NLL 0.2345`, `ECE 1.20 %`. */
export function otherTexts(metrics: Metrics): readonly string[] {
  return measured(metrics)
    .slice(1)
    .map(({ metric, value }) => `${metric.label} ${metricText(metric, value)}`);
}

/** A score in a sentence, the metric that decides and one more: `93.10 %, NLL 0.2345`. */
export function scoreText(metrics: Metrics | undefined): string {
  const first = primaryText(metrics);
  return first === undefined ? 'unknown' : [first, ...otherTexts(metrics ?? {}).slice(0, 1)].join(', ');
}
