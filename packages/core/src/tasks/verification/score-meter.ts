import { atOnce, inSlices, type Sliced } from '../../async/slices.js';
import type { ImagePairs, LabelledImages } from '../../data/image-source.js';
import type { Score } from '../../domain/role-checkpoint.js';
import { ACCURACY } from '../classification/metrics.js';
import type { DetailsMeter, Outputs, ScoreMeter } from '../task.js';
import { areAlike, cosine, type Embeddings, normalised, retrievalRate } from './embeddings.js';
import { ACCEPT_RATES, RETRIEVAL } from './metrics.js';
import { accuracyOfFolds, pairDetails, trueAcceptRate } from './pair-details.js';
import { makePairs } from './pairs.js';

/** Measures embeddings of all images of a split, in their order. */
export function verificationMeter(split: LabelledImages, dimension: number): ScoreMeter {
  const { add, embeddings } = collecting(split, dimension);
  return {
    add,
    async score(pauses) {
      const work = scoring(split, embeddings);
      return pauses ? inSlices(work, pauses) : atOnce(work);
    },
  };
}

/** Tells where a model errs on the pairs of a split. */
export function pairDetailsMeter(split: LabelledImages, dimension: number): DetailsMeter {
  const { add, embeddings } = collecting(split, dimension);
  return {
    add,
    details() {
      const pairs = atOnce(pairsOf(split));
      return pairDetails({ ...pairs, similarities: similaritiesOf(normalised(embeddings), pairs) });
    },
  };
}

function collecting(split: LabelledImages, dimension: number) {
  const values = new Float32Array(split.count * dimension);
  let examples = 0;
  return {
    embeddings: { values, dimension },
    add({ embedding }: Outputs, labels: LabelledImages['labels']) {
      values.set(embedding!.subarray(0, labels.length * dimension), examples * dimension);
      examples += labels.length;
    },
  };
}

function* scoring(split: LabelledImages, embeddings: Parameters<typeof verificationMetrics>[0]): Sliced<Score> {
  const metrics = yield* verificationMetrics(embeddings, split.labels, yield* pairsOf(split));
  return { metrics, examples: split.count };
}

const known = new WeakMap<LabelledImages, ImagePairs>();

/** Those that the data have, or pairs that are made of the split, which are the same for every validation. */
function* pairsOf(split: LabelledImages): Sliced<ImagePairs> {
  const pairs = split.pairs ?? known.get(split) ?? (yield* makePairs(split));
  known.set(split, pairs);
  return pairs;
}

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
function similaritiesOf(units: Embeddings, { left, right }: ImagePairs): Float64Array {
  const similarities = Float64Array.from(left, (image, pair) => cosine(units, image, right[pair]!));
  if (areAlike(units)) similarities.fill(1);
  return similarities;
}
