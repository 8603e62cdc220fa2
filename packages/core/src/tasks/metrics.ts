import { CLASSIFICATION_METRICS } from './classification/metrics.js';
import type { Metric } from './metric.js';
import { IDENTIFIED, VERIFICATION_METRICS } from './verification/metrics.js';

/** The metrics of all tasks, in the order in which they are shown. Tasks that share a name mean the same by it. */
export const METRICS: readonly Metric[] = [
  ...new Set([...CLASSIFICATION_METRICS, ...VERIFICATION_METRICS, IDENTIFIED]),
];

/** A metric with its value. */
export interface Measured {
  readonly metric: Metric;
  readonly value: number;
}

/** The metrics of a score in the order in which they are shown: the one that decides comes first. Others follow as they are. */
export function measured(metrics: Readonly<Record<string, number>>): readonly Measured[] {
  const known = METRICS.flatMap((metric) => {
    const value = metrics[metric.name];
    return value === undefined ? [] : [{ metric, value }];
  });
  const names = new Set(METRICS.map(({ name }) => name));
  const others = Object.entries(metrics).filter(([name]) => !names.has(name));
  return [...known, ...others.map(([name, value]) => ({ metric: unknownMetric(name), value }))];
}

function unknownMetric(name: string): Metric {
  return { name, title: name, label: name, better: 'higher', format: 'number' };
}
