import type { ImagePairs } from '../../data/image-pairs.js';
import type { ScoredPairs } from './pair-metrics.js';

/** What a threshold does with the pairs. */
export interface RocPoint {
  /** Pairs of at least this similarity are accepted. */
  readonly threshold: number;
  /** Share of the pairs of one identity that are accepted. */
  readonly trueAccepts: number;
  /** Share of the pairs of two identities that are accepted. */
  readonly falseAccepts: number;
}

/** Pairs of about the same similarity. */
export interface SimilarityBin {
  readonly from: number;
  readonly to: number;
  /** Pairs of one identity. */
  readonly same: number;
  /** Pairs of two. */
  readonly different: number;
}

/** A pair that few others of its kind are as hard as. */
export interface HardPair {
  /** Indices of the images in their split. */
  readonly left: number;
  readonly right: number;
  /** Whether both images are of one identity. */
  readonly same: boolean;
  readonly similarity: number;
}

/** Where a model errs on the pairs of a split. */
export interface PairDetails {
  readonly kind: 'pairs';
  /** Receiver operating characteristic, from no accepted pair to all. */
  readonly roc: readonly RocPoint[];
  /** Area below it: the share of couples of a pair of one identity and one of two of which the first is more similar. */
  readonly area: number;
  readonly similarities: readonly SimilarityBin[];
  /** The least similar pairs of one identity, then the most similar of two. */
  readonly worst: readonly HardPair[];
}

/** Points of the curve, about. */
const ROC_POINTS = 200;

/** Bins of the similarity, from -1 to 1. */
const BINS = 40;

/** Hard pairs of either kind. */
const WORST = 12;

export function pairDetails(pairs: ScoredPairs & Pick<ImagePairs, 'left' | 'right'>): PairDetails {
  const curve = rocOf(pairs);
  return {
    kind: 'pairs',
    roc: thinned(curve, ROC_POINTS),
    area: areaBelow(curve),
    similarities: binsOf(pairs),
    worst: [...hardest(pairs, true), ...hardest(pairs, false)],
  };
}

/** A point for each similarity that occurs, after the one at which nothing is accepted. */
function rocOf({ similarities, same }: ScoredPairs): readonly RocPoint[] {
  const order = [...similarities.keys()].sort((a, b) => similarities[b]! - similarities[a]!);
  const all = { same: 0, different: 0 };
  for (const each of same) all[each === 1 ? 'same' : 'different']++;
  const accepted = { same: 0, different: 0 };
  const points: RocPoint[] = [{ threshold: Number.MAX_VALUE, trueAccepts: 0, falseAccepts: 0 }];
  for (const [place, index] of order.entries()) {
    accepted[same[index] === 1 ? 'same' : 'different']++;
    const threshold = similarities[index]!;
    // Equal similarities fall on one side of every threshold.
    const next = order[place + 1];
    if (next !== undefined && similarities[next] === threshold) continue;
    points.push({
      threshold,
      trueAccepts: accepted.same / all.same,
      falseAccepts: accepted.different / all.different,
    });
  }
  return points;
}

/** By trapezoids, so that equal similarities count half. */
function areaBelow(curve: readonly RocPoint[]): number {
  return curve.slice(1).reduce((sum, point, at) => {
    const before = curve[at]!;
    return sum + ((point.falseAccepts - before.falseAccepts) * (point.trueAccepts + before.trueAccepts)) / 2;
  }, 0);
}

/** About so many points of a curve, the first and the last among them. */
function thinned(curve: readonly RocPoint[], most: number): readonly RocPoint[] {
  const stride = Math.ceil(curve.length / most);
  return curve.filter((_, at) => at % stride === 0 || at === curve.length - 1);
}

function binsOf({ similarities, same }: ScoredPairs): readonly SimilarityBin[] {
  const bins = Array.from({ length: BINS }, (_, bin) => ({
    ...{ from: (2 * bin) / BINS - 1, to: (2 * (bin + 1)) / BINS - 1 },
    ...{ same: 0, different: 0 },
  }));
  for (const [index, similarity] of similarities.entries()) {
    // Rounding leaves cosines a little above 1.
    const bin = bins[Math.min(BINS - 1, Math.max(0, Math.floor(((similarity + 1) / 2) * BINS)))];
    if (bin) bin[same[index] === 1 ? 'same' : 'different']++;
  }
  return bins;
}

function hardest({ similarities, same, left, right }: Parameters<typeof pairDetails>[0], isSame: boolean) {
  const sign = isSame ? 1 : -1;
  return [...similarities.keys()]
    .filter((index) => (same[index] === 1) === isSame)
    .sort((a, b) => sign * (similarities[a]! - similarities[b]!))
    .slice(0, WORST)
    .map((index): HardPair => {
      return { left: left[index]!, right: right[index]!, same: isSame, similarity: similarities[index]! };
    });
}
