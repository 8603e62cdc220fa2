import { ACCURACY } from '../classification/metrics.js';
import type { Metric } from '../metric.js';

/** False accept rates at which the true accept rate is a metric, the largest first. */
export const ACCEPT_RATES = [acceptRate('tar1e-1', 0.1), acceptRate('tar1e-2', 0.01), acceptRate('tar1e-3', 0.001)];

export const RETRIEVAL = {
  name: 'retrieval',
  title: 'Top-1 retrieval',
  label: 'retrieval',
  better: 'higher',
  format: 'share',
} as const satisfies Metric;

/** The identities of training are the classes of the logits. */
export const IDENTIFIED = {
  name: 'identified',
  title: 'Training images identified',
  label: 'identified',
  better: 'higher',
  format: 'share',
  ofBatch: true,
} as const satisfies Metric;

/** In the order in which they are shown; the first one decides. The accuracy is that of pairs, of which a model says whether they are one identity. */
export const VERIFICATION_METRICS: readonly Metric[] = [
  ACCURACY,
  ...ACCEPT_RATES.map(({ metric }) => metric),
  RETRIEVAL,
];

function acceptRate(name: string, falseAcceptRate: number) {
  const title = `True accept rate at a false accept rate of ${falseAcceptRate}`;
  const metric: Metric = { name, title, label: `TAR@${falseAcceptRate}`, better: 'higher', format: 'share' };
  return { metric, falseAcceptRate };
}
