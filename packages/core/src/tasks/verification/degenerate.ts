import type { Score } from '../../domain/score.js';
import { notFinite } from '../check-score.js';
import { ACCURACY } from '../classification/metrics.js';
import { metricIn } from '../metric.js';
import { ACCEPT_RATES } from './metrics.js';

/** Pairs of one identity among all. */
const HALF = 0.5;

/**
 * Why a model has learned nothing, or undefined when it has: its score is not finite, or its embeddings are all equal. All pairs are
 * then equally similar: no threshold accepts a pair without accepting all, and half of the pairs are judged rightly, exactly.
 */
export function degenerate(validation: Score): string | undefined {
  const infinite = notFinite(validation);
  if (infinite !== undefined) return `its validation score is not finite: ${infinite}`;
  const accepts = ACCEPT_RATES.some(({ metric }) => (validation.metrics[metric.name] ?? 0) > 0);
  if (accepts || metricIn(validation, ACCURACY) !== HALF) return undefined;
  return `its embeddings of ${validation.examples} validation images are all equal`;
}
