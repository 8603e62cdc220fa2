import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import { type IdxFiles, idxSource } from './idx.js';

function idx(shape: readonly number[], data: readonly number[], type = 8): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE((type << 8) | shape.length);
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([header, Uint8Array.from(data)]);
}

const parts = {
  trainImages: idx([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  trainLabels: idx([2], [0, 2]),
  testImages: idx([1, 2, 3], [21, 22, 23, 24, 25, 26]),
  testLabels: idx([1], [1]),
};

function files(changed: Partial<Record<keyof IdxFiles, Uint8Array>> = {}): IdxFiles {
  const all = { ...parts, ...changed };
  return {
    trainImages: { name: 'train-images', bytes: all.trainImages },
    trainLabels: { name: 'train-labels', bytes: all.trainLabels },
    testImages: { name: 'test-images', bytes: all.testImages },
    testLabels: { name: 'test-labels', bytes: all.testLabels },
  };
}

test('reads images and labels, and counts one class more than the largest label', () => {
  const source = idxSource('tiny', files());
  expect(source).toMatchObject({ name: 'tiny', height: 2, width: 3, channels: 1, classes: 3 });
  expect(source.train.count).toBe(2);
  expect([...source.train.images.subarray(6)]).toEqual([7, 8, 9, 10, 11, 12]);
  expect([...source.train.labels, ...source.test.labels]).toEqual([0, 2, 1]);
});

test('a gzip file reads as its content', () => {
  const zipped = files({ trainImages: gzipSync(parts.trainImages), testLabels: gzipSync(parts.testLabels) });
  expect(idxSource('tiny', zipped)).toEqual(idxSource('tiny', files()));
});

test('images of four dimensions have channels last', () => {
  const colour = files({
    trainImages: idx([2, 1, 2, 3], Array(12).fill(1)),
    testImages: idx([1, 1, 2, 3], Array(6).fill(2)),
  });
  expect(idxSource('tiny', colour)).toMatchObject({ height: 1, width: 2, channels: 3 });
});

describe('refuses, naming the file and the numbers,', () => {
  test.each([
    ['a wrong magic', { trainImages: Buffer.from('GIF89a..') }, /train-images: .* 47494638/],
    ['an empty file', { testLabels: new Uint8Array() }, /test-labels: .*magic/],
    ['elements that are no bytes', { trainImages: idx([1, 1, 1], [0, 0, 0, 0], 0x0d) }, /train-images: .*0x08.*0x0d/],
    ['a header that is cut', { trainLabels: parts.trainLabels.subarray(0, 6) }, /train-labels: 6 bytes.*8 bytes/],
    [
      'data that is short',
      { trainImages: parts.trainImages.subarray(0, -1) },
      /train-images: shape 2x2x3 needs 28 .*27/,
    ],
    ['data that is left over', { testLabels: idx([1], [1, 1]) }, /test-labels: shape 1 needs 9 .*10/],
    [
      'fewer labels than images',
      { trainLabels: idx([1], [1]) },
      /train-labels: 1 labels for the 2 images of train-images/,
    ],
    ['labels in place of images', { trainImages: parts.trainLabels }, /train-images: expected images of 3 or 4 .*1/],
    ['images in place of labels', { trainLabels: parts.trainImages }, /train-labels: expected labels of 1 .*3/],
    ['images without pixels', { trainImages: idx([2, 0, 3], []) }, /train-images: images of 0x3x1 have no pixels/],
    ['test images of another size', { testImages: idx([1, 3, 2], [1, 2, 3, 4, 5, 6]) }, /test-images: .*3x2x1.*2x3x1/],
    [
      'a gzip that is cut',
      { trainImages: gzipSync(parts.trainImages).subarray(0, 20) },
      /train-images: gzip of 20 bytes/,
    ],
  ])('%s', (_what, changed, message) => {
    const reading = () => idxSource('tiny', files(changed));
    expect(reading).toThrow(message);
    expect(reading).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});

test('a file cut at any byte is refused by name', () => {
  const zipped = gzipSync(parts.trainImages);
  fc.assert(
    fc.property(fc.constantFrom(parts.trainImages, zipped), fc.nat(), (whole, at) => {
      const reading = () => idxSource('tiny', files({ trainImages: whole.subarray(0, at % whole.length) }));
      expect(reading).toThrow(TrikdError);
    }),
  );
});
