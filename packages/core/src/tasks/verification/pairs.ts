import type { Sliced } from '../../async/slices.js';
import type { ImagePairs, LabelledImages } from '../../data/image-source.js';
import { TrikdError } from '../../domain/errors.js';

/** Pairs that are made of a split, at most: those of Labeled Faces in the Wild (Huang et al. 2007). */
export const MOST_PAIRS = 6000;

/** Folds of the pairs, where there are identities enough: those of the same protocol. */
export const FOLDS = 10;

/** A pair of another identity needs two of them in a fold. */
const IDENTITIES_IN_FOLD = 2;

/** Accuracy takes its threshold from the other folds. */
const FEWEST_FOLDS = 2;

type Pair = readonly [left: number, right: number];

/**
 * Pairs of the images of a split, as many of one identity as of two, in folds without a common identity. A pure function of labels and
 * order: the images of a split are ordered by their digests, so the pairs depend on content alone and are the same for every seed.
 * Each identity gives one pair before any gives a second; so does each image in pairs of two identities.
 *
 * A fold needs two identities, one of them with two images. A split of fewer than 20 identities has fewer than 10 folds.
 * @throws TrikdError 'invalid' for a split that has not even two folds
 */
export function* makePairs(split: LabelledImages, most = MOST_PAIRS): Sliced<ImagePairs> {
  const identities = identitiesOf(split);
  const folds = foldsOf(identities, split);
  const each = Math.floor(most / (2 * folds.length));
  const chosen: { readonly pair: Pair; readonly same: number; readonly fold: number }[] = [];
  for (const [fold, members] of folds.entries()) {
    const same = yield* first(pairsWithin(members), each);
    const different = yield* first(pairsBetween(members), same.length);
    const count = Math.min(same.length, different.length);
    for (const pair of same.slice(0, count)) chosen.push({ pair, same: 1, fold });
    for (const pair of different.slice(0, count)) chosen.push({ pair, same: 0, fold });
  }
  return {
    left: Uint32Array.from(chosen, ({ pair }) => pair[0]),
    right: Uint32Array.from(chosen, ({ pair }) => pair[1]),
    same: Uint8Array.from(chosen, ({ same }) => same),
    fold: Uint8Array.from(chosen, ({ fold }) => fold),
    folds: folds.length,
  };
}

/** @throws TrikdError 'invalid' for a split that neither has pairs nor makes any */
export function assertPairs(split: LabelledImages): void {
  if (!split.pairs) foldsOf(identitiesOf(split), split);
}

/** The images of each identity, in the order of its first image. */
export function identitiesOf({ labels }: LabelledImages): readonly (readonly number[])[] {
  const images = new Map<number, number[]>();
  for (const [index, label] of labels.entries()) {
    const known = images.get(label);
    if (known) known.push(index);
    else images.set(label, [index]);
  }
  return [...images.values()];
}

/** Deals the identities out, those with several images first, so that each fold gets about as many of both. */
function foldsOf(identities: readonly (readonly number[])[], { count }: LabelledImages) {
  const several = identities.filter((images) => images.length > 1);
  const single = identities.filter((images) => images.length === 1);
  const folds = Math.min(FOLDS, several.length, Math.floor(identities.length / IDENTITIES_IN_FOLD));
  if (folds < FEWEST_FOLDS) {
    const found = `${count} images of ${identities.length} identities, ${several.length} of them with two images or more`;
    throw new TrikdError('invalid', `${found}, make no pairs: at least 4 identities are needed, and 2 with two images`);
  }
  const dealt: (readonly number[])[][] = Array.from({ length: folds }, () => []);
  for (const [place, images] of [...several, ...single].entries()) dealt[place % folds]!.push(images);
  return dealt;
}

/** All pairs of one identity: one of each identity, then a second of each, and so on. */
function* pairsWithin(identities: readonly (readonly number[])[]): Generator<Pair> {
  let open = identities.map((images) => pairsAtDistance(images));
  while (open.length > 0) {
    const next: typeof open = [];
    for (const pairs of open) {
      const { done, value } = pairs.next();
      if (done) continue;
      yield value;
      next.push(pairs);
    }
    open = next;
  }
}

/** All pairs of two identities: each image with the one after it, then with the second after it, and so on, in a circle. */
function* pairsBetween(identities: readonly (readonly number[])[]): Generator<Pair> {
  const identity = new Map(identities.flatMap((images, index) => images.map((image) => [image, index] as const)));
  const images = [...identity.keys()].sort((a, b) => a - b);
  for (const pair of pairsAtDistance(images)) {
    if (identity.get(pair[0]) !== identity.get(pair[1])) yield pair;
  }
}

/** All pairs of a list, by the distance of their places on a circle: every element is in about as many of the first pairs. */
function* pairsAtDistance(list: readonly number[]): Generator<Pair, undefined> {
  const { length } = list;
  for (let distance = 1; distance <= length / 2; distance++) {
    // At half the circle each pair would come twice.
    const starts = 2 * distance === length ? distance : length;
    for (let at = 0; at < starts; at++) yield [list[at]!, list[(at + distance) % length]!];
  }
}

function* first(pairs: Iterable<Pair>, count: number): Sliced<readonly Pair[]> {
  const taken: Pair[] = [];
  if (count === 0) return taken;
  for (const pair of pairs) {
    taken.push(pair);
    if (taken.length === count) break;
    yield;
  }
  return taken;
}
