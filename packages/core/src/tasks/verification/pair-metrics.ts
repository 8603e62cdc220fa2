import type { ImagePairs } from '../../data/image-pairs.js';

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
