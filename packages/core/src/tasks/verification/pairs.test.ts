import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce } from '../../async/slices.js';
import type { ImagePairs } from '../../data/image-source.js';
import { FOLDS, makePairs } from './pairs.js';

/** A split whose images are of these identities. */
function splitOf(labels: readonly number[]) {
  return { count: labels.length, images: new Uint8Array(0), labels: Uint16Array.from(labels) };
}

const pairsOf = (labels: readonly number[], most?: number) => atOnce(makePairs(splitOf(labels), most));

/** So many images of each of so many identities, interleaved. */
const grid = (identities: number, images: number) =>
  Array.from({ length: identities * images }, (_, i) => i % identities);

const listed = ({ left, right, same, fold }: ImagePairs) =>
  Array.from(left, (image, pair) => ({ images: [image, right[pair]!], same: same[pair], fold: fold[pair] }));

/** Identities with their numbers of images, at least four of them with two. */
const labels = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 4, maxLength: 40 })
  .map((sizes) => sizes.map((size, identity) => (identity < 4 ? Math.max(2, size) : size)))
  .chain((sizes) => {
    const all = sizes.flatMap((size, identity) => new Array<number>(size).fill(identity));
    return fc.shuffledSubarray(all, { minLength: all.length });
  });

test('a pair is said to be of one identity when it is', () => {
  fc.assert(
    fc.property(labels, (list) => {
      for (const { images, same } of listed(pairsOf(list))) {
        expect(list[images[0]!] === list[images[1]!]).toBe(same === 1);
        expect(images[0]).not.toBe(images[1]);
      }
    }),
  );
});

test('no pair comes twice', () => {
  fc.assert(
    fc.property(labels, (list) => {
      const all = listed(pairsOf(list)).map(({ images }) => images.toSorted((a, b) => a - b).join());
      expect(new Set(all).size).toBe(all.length);
    }),
  );
});

test('each fold has pairs, as many of one identity as of two, and identities of its own', () => {
  fc.assert(
    fc.property(labels, (list) => {
      const pairs = pairsOf(list);
      const foldOf = new Map<number, number>();
      const balance = new Map<number, number>();
      for (const { images, same, fold } of listed(pairs)) {
        for (const image of images) {
          expect(foldOf.get(list[image]!) ?? fold).toBe(fold);
          foldOf.set(list[image]!, fold!);
        }
        balance.set(fold!, (balance.get(fold!) ?? 0) + (same === 1 ? 1 : -1));
      }
      expect([...balance.keys()]).toEqual(Array.from({ length: pairs.folds }, (_, fold) => fold));
      expect(new Set(balance.values())).toEqual(new Set([0]));
    }),
  );
});

test('twenty identities with two images each make ten folds of one pair of either kind', () => {
  const { folds, same } = pairsOf(grid(20, 2));
  expect(folds).toBe(FOLDS);
  // Two identities a fold: two pairs within, four between.
  expect(same.filter((one) => one === 1).length).toBe(20);
  expect(same.length).toBe(40);
});

test('there are no more pairs than asked for, the same number in each fold', () => {
  const { fold, folds } = pairsOf(grid(40, 6), 100);
  expect(fold.length).toBe(100);
  for (let each = 0; each < folds; each++) expect(fold.filter((one) => one === each).length).toBe(10);
});

test('every identity gives a pair before one gives a second', () => {
  const list = grid(40, 6);
  // Four identities a fold, four pairs of one identity.
  const pairs = listed(pairsOf(list, 80)).filter(({ same }) => same === 1);
  expect(new Set(pairs.map(({ images }) => list[images[0]!])).size).toBe(40);
});

test('fewer than twenty identities make fewer folds', () => {
  expect(pairsOf(grid(9, 3)).folds).toBe(4);
  // Two with several images.
  expect(pairsOf([0, 1, 2, 3, 4, 5, 6, 7, 0, 1]).folds).toBe(2);
});

test.each([
  [
    'three identities',
    [0, 0, 1, 1, 2, 2],
    '6 images of 3 identities, 3 of them with two images or more, make no pairs',
  ],
  ['one with two images', [0, 0, 1, 2, 3, 4], '6 images of 5 identities, 1 of them with two images or more'],
  ['no images', [], '0 images of 0 identities'],
])('%s are refused', (_what, list, message) => {
  expect(() => pairsOf(list)).toThrow(message);
  expect(() => pairsOf(list)).toThrow(expect.objectContaining({ kind: 'invalid' }));
});

test('thousands of images of few identities are paired at once', () => {
  expect(pairsOf(grid(4, 5000)).left.length).toBe(6000);
});
