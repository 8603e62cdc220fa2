import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce } from '../async/slices.js';
import type { DataSpec } from '../spec/data-spec.js';
import { allPixels, type ImageSource, type LabelledImages } from './image-source.js';
import { holdOut, splitDataset } from './split.js';

const shape = { name: 'pairs', height: 1, width: 2, channels: 1 };

const poolOf = (pixels: readonly number[]) => ({
  count: pixels.length,
  images: Uint8Array.from(pixels.flatMap((pixel) => [pixel, 255 - pixel])),
  labels: Uint8Array.from(pixels),
});
const ten = Array.from({ length: 10 }, (_, i) => 3 * i);
const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);

test('each image is in training or in the test, with its label', () => {
  const { train, test: held } = atOnce(holdOut(shape, poolOf(ten), 4));
  expect([train.count, held.count]).toEqual([6, 4]);
  expect(sorted([...train.labels, ...held.labels])).toEqual(ten);
  for (const split of [train, held]) {
    for (const [i, label] of split.labels.entries()) expect(allPixels(split)[2 * i]).toBe(label);
  }
});

test('content decides: the order of the files changes nothing', () => {
  expect(atOnce(holdOut(shape, poolOf(ten.toReversed()), 4))).toEqual(atOnce(holdOut(shape, poolOf(ten), 4)));
});

test('an image with a copy in the test is in no other split', () => {
  const twice = [...ten, ...ten];
  for (let count = 1; count < twice.length; count++) {
    const { train, test: held } = atOnce(holdOut(shape, poolOf(twice), count));
    expect(held.count).toBe(count);
    expect([...train.labels].filter((label) => held.labels.includes(label))).toEqual([]);
  }
});

test('more images than there are are refused with both numbers', () => {
  expect(() => atOnce(holdOut(shape, poolOf(ten), 11))).toThrow('asked for 11 of 10 test images of pairs');
});

/** One-pixel-wide images of two bytes; the first byte doubles as the label, modulo 10. */
function split(contents: readonly number[]): LabelledImages {
  return {
    count: contents.length,
    images: Uint8Array.from(contents.flatMap((content) => [content & 0xff, content >> 8])),
    labels: Uint8Array.from(contents, (content) => content % 10),
  };
}

function source(contents: readonly number[]): ImageSource {
  return {
    name: 'pairs',
    height: 2,
    width: 1,
    channels: 1,
    classes: 10,
    train: split(contents),
    test: split([7, 8, 9]),
  };
}

function spec(sizes: { train?: number; validation: number; test?: number }): DataSpec {
  return { kind: 'idx', ...sizes };
}

function contents(split: LabelledImages): readonly number[] {
  const pixels = allPixels(split);
  return Array.from({ length: split.count }, (_, i) => pixels[2 * i]! + 256 * pixels[2 * i + 1]!);
}

const distinct = Array.from({ length: 60 }, (_, i) => i * 13);
const pool = fc.array(fc.nat(40), { minLength: 12, maxLength: 60 });

test('the order of the files changes nothing', () => {
  fc.assert(
    fc.property(pool, fc.nat(9), (list, seed) => {
      fc.pre(new Set(list).size > 6);
      const forth = splitDataset(source(list), spec({ validation: 5 }), seed);
      expect(splitDataset(source(list.toReversed()), spec({ validation: 5 }), seed)).toEqual(forth);
    }),
  );
});

test('copies of one image never stand on both sides', () => {
  fc.assert(
    fc.property(pool, (list) => {
      fc.pre(new Set(list).size > 6);
      const { train, validation } = splitDataset(source(list), spec({ validation: 5 }), 0);
      const held = new Set(contents(validation));
      expect(validation.count).toBe(5);
      expect(contents(train).filter((content) => held.has(content))).toEqual([]);
      expect(new Set([...held, ...contents(train)])).toEqual(new Set(list));
    }),
  );
});

test('every seed validates on the same images and trains on others', () => {
  const [a, b] = [1, 2].map((seed) => splitDataset(source(distinct), spec({ train: 20, validation: 10 }), seed));
  expect(a!.validation).toEqual(b!.validation);
  expect(new Set(contents(a!.train))).not.toEqual(new Set(contents(b!.train)));
  expect(a!.digest).not.toBe(b!.digest);
});

test('more training images of the same seed include the fewer', () => {
  const [few, many] = [10, 30].map((train) => splitDataset(source(distinct), spec({ train, validation: 10 }), 4));
  expect(contents(many!.train).slice(0, 10)).toEqual(contents(few!.train));
});

test('labels stay with their images', () => {
  const { train, validation, test } = splitDataset(source(distinct), spec({ validation: 10, test: 2 }), 4);
  expect(test.count).toBe(2);
  for (const one of [train, validation, test]) {
    expect([...one.labels]).toEqual(contents(one).map((content) => content % 10));
  }
});

test('the digest changes with a label, a pixel, the order and the shape', () => {
  const base = source(distinct);
  const digest = (changed: Partial<ImageSource>) =>
    splitDataset({ ...base, ...changed }, spec({ validation: 1 }), 0).digest;
  const labels = Uint8Array.from(base.train.labels, (label) => 9 - label);
  const images = Uint8Array.from(allPixels(base.train), (pixel) => pixel ^ 1);
  const digests = [
    digest({}),
    digest({ train: { ...base.train, labels } }),
    digest({ train: { ...base.train, images } }),
    digest({ height: 1, width: 2 }),
    splitDataset(base, spec({ validation: 1 }), 1).digest,
  ];
  expect(new Set(digests).size).toBe(5);
  expect(digest({})).toMatch(/^[0-9a-f]{64}$/);
});

test('mean and deviation are those of the training split, channel by channel, on the scale 0..1', () => {
  const two: ImageSource = { ...source(distinct), height: 1, channels: 2 };
  const { mean, std, train } = splitDataset(two, spec({ train: 40, validation: 10 }), 0);
  for (const channel of [0, 1]) {
    const values = [...allPixels(train)].filter((_, i) => i % 2 === channel).map((pixel) => pixel / 255);
    const average = values.reduce((sum, value) => sum + value, 0) / 40;
    const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / 40;
    expect(mean[channel]).toBeCloseTo(average, 12);
    expect(std[channel]).toBeCloseTo(Math.sqrt(variance), 12);
  }
});

test('a channel of one value has deviation 1', () => {
  const black: ImageSource = { ...source([0, 1, 2, 3]), height: 1, channels: 2 };
  expect(splitDataset(black, spec({ validation: 1 }), 0)).toMatchObject({ std: [expect.any(Number), 1] });
});

test.each([
  [{ validation: 61 }, 'asked for 61 of 60 validation images of pairs'],
  [{ validation: 10, train: 51 }, 'asked for 51 of 50 training images of pairs'],
  [{ validation: 60 }, 'asked for 0 of 0 training images of pairs'],
  [{ validation: 10, test: 4 }, 'asked for 4 of 3 test images of pairs'],
])('refuses %j of 60 images and 3 test images', (sizes, message) => {
  const splitting = () => splitDataset(source(distinct), spec(sizes), 0);
  expect(splitting).toThrow(message);
  expect(splitting).toThrow(expect.objectContaining({ kind: 'invalid' }));
});

test('the split of these images is this for ever', () => {
  const { train, validation, digest } = splitDataset(
    source([...distinct, 7, 7, 20]),
    spec({ train: 4, validation: 3 }),
    9,
  );
  expect([contents(train), contents(validation), digest]).toMatchInlineSnapshot(`
    [
      [
        182,
        429,
        169,
        754,
      ],
      [
        117,
        7,
        7,
      ],
      "bb8d942e83aa1b70198d18f560cbdad38c1808dca2cb79b4031a3c4abc443a0a",
    ]
  `);
});
