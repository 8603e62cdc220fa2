import type { Sliced } from '../../async/slices.js';
import type { ImagePairs } from '../../data/image-pairs.js';
import { ACCURACY } from '../classification/metrics.js';
import { areAlike, cosine, type Embeddings, normalised } from './embeddings.js';
import { ACCEPT_RATES, RETRIEVAL } from './metrics.js';
import { accuracyOfFolds, trueAcceptRate } from './pair-metrics.js';
import { retrievalRate } from './retrieval.js';

/**
 * All metrics of the task that the images of a split can tell, by name: those that they are too few for are absent.
 * @param labels identity of each embedding
 */
export function* verificationMetrics(
  embeddings: Embeddings,
  labels: ArrayLike<number>,
  pairs: ImagePairs,
): Sliced<Readonly<Record<string, number>>> {
  const units = normalised(embeddings);
  const similarities = similaritiesOf(units, pairs);
  yield;
  const scored = { ...pairs, similarities };
  const rates = ACCEPT_RATES.map(({ metric, falseAcceptRate }) => {
    return [metric.name, trueAcceptRate(scored, falseAcceptRate)] as const;
  });
  yield;
  const accuracy = accuracyOfFolds(scored);
  yield;
  const retrieval = yield* retrievalRate(units, labels);
  const metrics = [[ACCURACY.name, accuracy], ...rates, [RETRIEVAL.name, retrieval]] as const;
  return Object.fromEntries(metrics.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Cosines of the embeddings of pairs. @param units embeddings of length 1 */
export function similaritiesOf(units: Embeddings, { left, right }: ImagePairs): Float64Array {
  const similarities = Float64Array.from(left, (image, pair) => cosine(units, image, right[pair]!));
  if (areAlike(units)) similarities.fill(1);
  return similarities;
}
