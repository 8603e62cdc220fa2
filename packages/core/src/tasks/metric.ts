import type { Score } from '../domain/role-checkpoint.js';

/** One number of a score. The values of a metric are shown in browsers too: its description needs nothing but itself. */
export interface Metric {
  /** As scores, records and exports have it. */
  readonly name: string;
  /** As a heading has it: `Negative log-likelihood`. */
  readonly title: string;
  /** As a column and a sentence have it: `NLL`. */
  readonly label: string;
  readonly better: 'higher' | 'lower';
  /** A share is from 0 to 1, and is shown in percent. */
  readonly format: 'share' | 'number';
  /** Of a number, such as `nat`; absent where it has none. */
  readonly unit?: string;
  /** The task loss of a batch, at weight 1, is the metric of the batch. */
  readonly isTaskLoss?: true;
  /** Only of a batch in training: no score has it. */
  readonly ofBatch?: true;
}

/** The value of a metric in a score; NaN, which is never better, where the score lacks it. */
export function metricIn({ metrics }: Score, { name }: Metric): number {
  return metrics[name] ?? Number.NaN;
}

/** By how much a value is better than another; below 0: worse. */
export function gainOver(better: Metric['better'], value: number, reference: number): number {
  return better === 'higher' ? value - reference : reference - value;
}

/** Whether a score is better than another in a metric. Any score is better than none. */
export function isBetter(metric: Metric, score: Score, than: Score | undefined): boolean {
  return than === undefined || gainOver(metric.better, metricIn(score, metric), metricIn(than, metric)) > 0;
}
