import { atOnce, inSlices, type Sliced } from '../../async/slices.js';
import type { ImagePairs } from '../../data/image-pairs.js';
import type { LabelledImages } from '../../data/image-source.js';
import type { Score } from '../../domain/score.js';
import type { DetailsMeter, Outputs, ScoreMeter } from '../task.js';
import { normalised } from './embeddings.js';
import { pairDetails } from './pair-details.js';
import { makePairs } from './pairs.js';
import { similaritiesOf, verificationMetrics } from './verification-metrics.js';

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
