import type { Metric } from '../metric.js';

export const ACCURACY = {
  name: 'accuracy',
  title: 'Accuracy',
  label: 'accuracy',
  better: 'higher',
  format: 'share',
} as const satisfies Metric;

export const NLL = {
  name: 'nll',
  title: 'Negative log-likelihood',
  label: 'NLL',
  better: 'lower',
  format: 'number',
  unit: 'nat',
  isTaskLoss: true,
} as const satisfies Metric;

export const ECE = {
  name: 'ece',
  title: 'Expected calibration error',
  label: 'ECE',
  better: 'lower',
  format: 'share',
} as const satisfies Metric;

/** Only with more than five classes: it is 1 otherwise. */
export const TOP5 = {
  name: 'top5',
  title: 'Top-5 accuracy',
  label: 'top-5 accuracy',
  better: 'higher',
  format: 'share',
} as const satisfies Metric;

/** In the order in which they are shown; the first one decides. */
export const CLASSIFICATION_METRICS: readonly Metric[] = [ACCURACY, NLL, ECE, TOP5];
