import { atOnce, inSlices, type Sliced } from '../../async/slices.js';
import type { ImagePairs } from '../../data/image-pairs.js';
import type { LabelledImages } from '../../data/image-source.js';
import type { Score } from '../../domain/score.js';
import type { ScoreMeter } from '../task.js';
import { makePairs } from './pairs.js';
import { verificationMetrics } from './verification-metrics.js';

/** Measures embeddings of all images of a split, in their order. */
export function verificationMeter(split: LabelledImages, dimension: number): ScoreMeter {
  const values = new Float32Array(split.count * dimension);
  let examples = 0;
  return {
    add({ embedding }, labels) {
      values.set(embedding!.subarray(0, labels.length * dimension), examples * dimension);
      examples += labels.length;
    },
    async score(pauses) {
      const work = scoring(split, { values, dimension });
      return pauses ? inSlices(work, pauses) : atOnce(work);
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
