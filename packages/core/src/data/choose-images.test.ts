import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce } from '../async/slices.js';
import type { DataSpec } from '../spec/data-spec.js';
import { makePairs } from '../tasks/verification/pairs.js';
import { allPixels, type ImageSource, type LabelledImages } from './image-source.js';
import { splitDataset } from './split.js';

/** An image of two bytes, its content, and the identity it shows. */
type Picture = readonly [content: number, identity: number];

const files = (pictures: readonly Picture[]): LabelledImages => ({
  count: pictures.length,
  images: Uint8Array.from(pictures.flatMap(([content]) => [content & 0xff, content >> 8])),
  labels: Uint16Array.from(pictures, ([, identity]) => identity),
});

const source = (train: readonly Picture[], tested: readonly Picture[]): ImageSource => ({
  ...{ name: 'pictures', height: 2, width: 1, channels: 1, classes: 1000 },
  ...{ train: files(train), test: files(tested) },
});

const spec = (sizes: { train?: number; validation: number; test?: number }): DataSpec => {
  return { kind: 'idx', split: 'identities', ...sizes };
};

const contents = (split: LabelledImages) => {
  const pixels = allPixels(split);
  return Array.from({ length: split.count }, (_, i) => pixels[2 * i]! + 256 * pixels[2 * i + 1]!);
};

/** Forty identities of one to five pictures, of which those from 500 on are for the test. */
const pictures = (first: number, identities: number): readonly Picture[] =>
  Array.from({ length: identities }, (_, i) => first + i).flatMap((identity) =>
    Array.from({ length: 1 + (identity % 5) }, (_, picture) => [identity * 5 + picture, identity] as const),
  );
const [trained, tested] = [pictures(0, 40), pictures(500, 12)];
const identityOf = (content: number) => Math.floor(content / 5);
const identitiesIn = (split: LabelledImages) => new Set(contents(split).map(identityOf));

test('no identity is in two splits, and every split has all images of its identities', () => {
  fc.assert(
    fc.property(fc.nat(9), fc.integer({ min: 5, max: 60 }), (seed, validation) => {
      const dataset = splitDataset(source(trained, tested), spec({ validation }), seed);
      const splits = [dataset.train, dataset.validation, dataset.test].map(identitiesIn);
      expect(new Set(splits.flatMap((all) => [...all])).size).toBe(40 + 12);
      expect(splits.reduce((sum, { size }) => sum + size, 0)).toBe(40 + 12);
      const together = dataset.train.count + dataset.validation.count;
      expect([together, dataset.test.count]).toEqual([trained.length, tested.length]);
    }),
  );
});

test('labels of training are 0 to classes - 1, in the order of the identities, and the others follow', () => {
  const dataset = splitDataset(source(trained, tested), spec({ validation: 30 }), 1);
  const { train, validation, test: last, classes } = dataset;
  expect(classes).toBe(identitiesIn(train).size);
  let before = 0;
  for (const split of [train, validation, last]) {
    const ordered = [...identitiesIn(split)].sort((a, b) => a - b);
    expect([...split.labels]).toEqual(contents(split).map((content) => before + ordered.indexOf(identityOf(content))));
    before += ordered.length;
  }
});

test('the order of the files changes neither the splits nor the pairs', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...trained], { minLength: trained.length }), (shuffled) => {
      const [one, other] = [source(trained, tested), source(shuffled, tested.toReversed())].map((each) =>
        splitDataset(each, spec({ validation: 40 }), 3),
      );
      expect(other).toEqual(one);
      expect(atOnce(makePairs(other!.validation))).toEqual(atOnce(makePairs(one!.validation)));
    }),
    { numRuns: 20 },
  );
});

test('every seed validates on the same identities and trains on others', () => {
  const [a, b] = [1, 2].map((seed) => splitDataset(source(trained, tested), spec({ train: 40, validation: 30 }), seed));
  expect(a!.validation.images).toEqual(b!.validation.images);
  expect(a!.test.images).toEqual(b!.test.images);
  expect(identitiesIn(a!.train)).not.toEqual(identitiesIn(b!.train));
});

test('a split has at most as many images as requested, and the next identity would be too many', () => {
  const {
    train,
    validation,
    test: last,
  } = splitDataset(source(trained, tested), spec({ train: 31, validation: 22, test: 9 }), 1);
  for (const [split, most] of [
    [train, 31],
    [validation, 22],
    [last, 9],
  ] as const) {
    expect(split.count).toBeLessThanOrEqual(most);
    // An identity has at most five images.
    expect(split.count).toBeGreaterThan(most - 5);
  }
});

test('identities of many images are validated on no more often than those of few', () => {
  const many = Array.from({ length: 1200 }, (_, i) => [i, i < 200 ? i : 200 + Math.floor((i - 200) / 10)] as const);
  // 200 identities of one image, 100 of ten.
  const { validation } = splitDataset(source(many, tested), spec({ validation: 600 }), 0);
  const chosen = new Set(contents(validation).map((content) => many[content]![1]));
  const large = [...chosen].filter((identity) => identity >= 200).length;
  expect(large / chosen.size).toBeGreaterThan(0.23);
  expect(large / chosen.size).toBeLessThan(0.43);
});

test('a copy of a validation image is not trained on under another identity', () => {
  const { validation } = splitDataset(source(trained, tested), spec({ validation: 30 }), 0);
  const copied = contents(validation).at(-1)!;
  const more: readonly Picture[] = [...trained, [copied, 77], [4444, 77]];
  const { train, validation: again } = splitDataset(source(more, tested), spec({ validation: 30 }), 0);
  expect(contents(again)).toContain(copied);
  expect(contents(train)).not.toContain(copied);
  expect(contents(train)).toContain(4444);
});

test.each([
  [{ validation: 200 }, 'asked for 200 of 120 validation images of pictures'],
  [{ validation: 120 }, 'asked for 0 of 0 training images of pictures beside 120 validation images'],
  [{ validation: 20, test: 100 }, 'asked for 100 of 33 test images of pictures'],
])('refuses %j of 120 images and 33 test images', (sizes, message) => {
  const splitting = () => splitDataset(source(trained, tested), spec(sizes), 0);
  expect(splitting).toThrow(message);
  expect(splitting).toThrow(expect.objectContaining({ kind: 'invalid' }));
});

test('refuses a size that is smaller than one identity', () => {
  const large = Array.from({ length: 20 }, (_, i) => [i, i % 2] as const);
  expect(() => splitDataset(source(large, tested), spec({ validation: 9 }), 0)).toThrow(
    '9 validation images of pictures are fewer than those of one identity',
  );
});

test('refuses an identity that is in the training and in the test files', () => {
  expect(() => splitDataset(source(trained, [...tested, [9999, 7]]), spec({ validation: 30 }), 0)).toThrow(
    'identity 7 is in the training and the test files of pictures: a split by identity needs other identities in each',
  );
});

test('the split of these identities, and the pairs of its validation images, are these for ever', () => {
  const { validation, train, digest } = splitDataset(source(trained, tested), spec({ train: 40, validation: 40 }), 9);
  const { left, right, same, folds } = atOnce(makePairs(validation));
  const pairs = Array.from(left, (image, pair) => [image, right[pair], same[pair]].join(' '));
  expect({
    digest,
    identities: [...identitiesIn(train)].sort((a, b) => a - b).join(),
    folds,
    pairs: pairs.slice(0, 6),
  }).toMatchInlineSnapshot(`
    {
      "digest": "79843c012b79fd1f9c344171246453350317a06950037ce239a6f3e06112fe92",
      "folds": 7,
      "identities": "0,2,3,6,9,16,22,23,26,29,32,35,39",
      "pairs": [
        "0 15 1",
        "10 25 1",
        "15 19 1",
        "25 29 1",
        "19 20 1",
        "29 10 1",
      ],
    }
  `);
});
