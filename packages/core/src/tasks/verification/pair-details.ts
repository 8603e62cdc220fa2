import type { ImagePairs } from '../../data/image-source.js';

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

/** Pairs with what a model says of them. */
export interface ScoredPairs extends Pick<ImagePairs, 'same' | 'fold' | 'folds'> {
  /** Cosine of each pair's embeddings. */
  readonly similarities: Float64Array;
}

/**
 * Share of the pairs that are judged rightly, as in the protocol of Labeled Faces in the Wild: a pair is of one identity when its
 * similarity reaches a threshold, which is the one that judges most pairs of the other folds rightly, the highest of several; mean over
 * the folds. NaN when a similarity is.
 */
export function accuracyOfFolds(pairs: ScoredPairs): number {
  if (pairs.similarities.some(Number.isNaN)) return Number.NaN;
  const order = descending(pairs.similarities);
  let sum = 0;
  for (let fold = 0; fold < pairs.folds; fold++) sum += accuracyOf(pairs, fold, thresholdWithout(pairs, fold, order));
  return sum / pairs.folds;
}

/** Indices by similarity, the largest first. */
function descending(similarities: Float64Array): Uint32Array {
  return Uint32Array.from(similarities.keys()).sort((a, b) => similarities[b]! - similarities[a]!);
}

/** The threshold that is best for all folds but one. */
function thresholdWithout({ similarities, same, fold }: ScoredPairs, left: number, order: Uint32Array): number {
  const learned = order.filter((index) => fold[index] !== left);
  // Relative to a threshold above all similarities, at which no pair is of one identity.
  let [right, most, threshold] = [0, 0, Number.POSITIVE_INFINITY];
  for (const [place, index] of learned.entries()) {
    right += same[index] === 1 ? 1 : -1;
    const similarity = similarities[index]!;
    const next = learned[place + 1];
    // Equal similarities fall on one side of every threshold.
    if (next !== undefined && similarities[next] === similarity) continue;
    if (right > most) [most, threshold] = [right, similarity];
  }
  return threshold;
}

function accuracyOf({ similarities, same, fold }: ScoredPairs, tested: number, threshold: number): number {
  let [right, count] = [0, 0];
  for (const [index, similarity] of similarities.entries()) {
    if (fold[index] !== tested) continue;
    count++;
    if (similarity >= threshold === (same[index] === 1)) right++;
  }
  return right / count;
}

/**
 * The largest share of pairs of one identity that a threshold accepts when it accepts at most the share `far` of the pairs of two
 * identities (true accept rate at a false accept rate). Undefined when there are fewer than 1 / far pairs of two identities: their
 * number says nothing about so small a share. NaN when a similarity is.
 */
export function trueAcceptRate({ similarities, same }: ScoredPairs, far: number): number | undefined {
  const genuine = similarities.filter((_, index) => same[index] === 1);
  const impostors = similarities.filter((_, index) => same[index] !== 1).sort();
  const accepted = mostWithin(far, impostors.length);
  if (accepted === 0) return undefined;
  if (similarities.some(Number.isNaN)) return Number.NaN;
  // The threshold lies just above the most similar impostor that must be refused.
  const refused = impostors.at(-1 - accepted) ?? Number.NEGATIVE_INFINITY;
  return genuine.filter((similarity) => similarity > refused).length / genuine.length;
}

/** The largest part of a count that is at most a share of it. Products of both may be a rounding below a whole number. */
function mostWithin(share: number, count: number): number {
  const nearest = Math.round(share * count);
  return nearest / count > share ? nearest - 1 : nearest;
}
