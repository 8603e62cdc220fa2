import { expect, test } from 'vitest';
import { atOnce } from '../async/slices.js';
import { holdOut } from './hold-out.js';
import { allPixels } from './image-source.js';

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
