import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TrikdError } from '../../domain/errors.js';
import { type IdxHeaders, type IdxPart, idxLabels, idxLayout, idxSource, readIdxHeader, wrongLength } from './idx.js';

function idx(shape: readonly number[], type = 8): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE((type << 8) | shape.length);
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  return header;
}

const parts = { trainImages: [2, 2, 3], trainLabels: [2], testImages: [1, 2, 3], testLabels: [1] };

function headers(changed: Partial<Record<IdxPart, readonly number[]>> = {}): IdxHeaders {
  const shapes = { ...parts, ...changed };
  const of = (part: IdxPart, name: string) => readIdxHeader(part, name, idx(shapes[part]));
  return {
    trainImages: of('trainImages', 'train-images'),
    trainLabels: of('trainLabels', 'train-labels'),
    testImages: of('testImages', 'test-images'),
    testLabels: of('testLabels', 'test-labels'),
  };
}

test('a header tells where the content starts and how long it is', () => {
  expect(readIdxHeader('trainImages', 'n', idx([7, 28, 27]))).toEqual({
    ...{ name: 'n', shape: [7, 28, 27], elementBytes: 1, start: 16, length: 7 * 28 * 27 },
  });
});

test('a dataset has the images of its headers, and one class more than the largest label', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  const contents = {
    trainImages: bytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    trainLabels: bytes(0, 2),
    testImages: bytes(21, 22, 23, 24, 25, 26),
    testLabels: bytes(1),
  };
  const source = idxSource('tiny', idxLayout(headers()), contents);
  expect(source).toMatchObject({ name: 'tiny', height: 2, width: 3, channels: 1, classes: 3 });
  expect(source.train).toEqual({ count: 2, images: contents.trainImages, labels: contents.trainLabels });
  expect(source.test).toEqual({ count: 1, images: contents.testImages, labels: contents.testLabels });
});

test.each([
  [0x0b, 2, [0, 300, 0x7fff]],
  [0x0c, 4, [0, 300, 0xffff]],
])('labels of type %d are integers of %d bytes, for more than 256 classes', (type, elementBytes, values) => {
  const header = readIdxHeader('trainLabels', 'f', idx([3], type));
  expect(header).toMatchObject({ elementBytes, length: 3 * elementBytes });
  // At an odd offset, as files are read.
  const content = Buffer.alloc(1 + header.length).subarray(1);
  for (const [i, value] of values.entries()) content.writeIntBE(value, elementBytes * i, elementBytes);
  expect([...idxLabels(header, content)]).toEqual(values);
});

test.each([-1, 0x1_0000])('a label of %d is refused with its image', (label) => {
  const content = Buffer.alloc(8);
  content.writeInt32BE(label, 4);
  const reading = () => idxLabels(readIdxHeader('trainLabels', 'f', idx([2], 0x0c)), content);
  expect(reading).toThrow(`f: label ${label} of image 1 is not from 0 to 65535`);
  expect(reading).toThrow(expect.objectContaining({ kind: 'invalid' }));
});

test('images of four dimensions have channels last', () => {
  const colour = headers({ trainImages: [2, 1, 2, 3], testImages: [1, 1, 2, 3] });
  expect(idxLayout(colour)).toEqual({ height: 1, width: 2, channels: 3, train: 2, test: 1 });
});

describe('a header is refused, with the file and the numbers, when it is', () => {
  test.each([
    ['of another format', 'trainImages', Buffer.from('GIF89a..'), /^f: expected an IDX file of unsigned bytes, /],
    ['empty', 'testLabels', new Uint8Array(), /^f: expected an IDX file/],
    [
      'of elements that are no bytes',
      'trainImages',
      idx([1, 1, 1], 0x0d),
      /^f: expected an IDX file of unsigned bytes/,
    ],
    [
      'of labels that are no whole numbers',
      'trainLabels',
      idx([2], 0x0d),
      /^f: expected an IDX file of bytes or integers/,
    ],
    ['of images that are no bytes', 'testImages', idx([1, 1, 1], 0x0b), /^f: expected an IDX file of unsigned bytes/],
    ['cut', 'trainLabels', idx([2]).subarray(0, 6), /^f: 6 bytes.*8 bytes/],
    [
      'that of labels in place of images',
      'trainImages',
      idx([2]),
      /^f: expected images of 3 or 4 dimensions, found 1$/,
    ],
    [
      'that of images in place of labels',
      'trainLabels',
      idx([2, 1, 1]),
      /^f: expected labels of 1 dimension, found 3$/,
    ],
    ['of 255 dimensions', 'trainImages', Buffer.from('000008ff', 'hex'), /found 255$/],
  ] as const)('%s', (_what, part, bytes, message) => {
    const reading = () => readIdxHeader(part, 'f', bytes);
    expect(reading).toThrow(message);
    expect(reading).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});

test.each([
  [{ trainLabels: [1] }, 'train-labels: 1 labels for the 2 images of train-images'],
  [{ trainImages: [2, 0, 3] }, 'train-images: images of 0x3x1 have no pixels'],
  [{ testImages: [1, 3, 2] }, 'test-images: images are 3x2x1, those of train-images 2x3x1'],
])('headers that contradict each other are refused: %j', (changed, message) => {
  expect(() => idxLayout(headers(changed))).toThrow(message);
});

test('a wrong length names the shape, the bytes that it needs and those found', () => {
  expect(wrongLength(headers().trainImages, 27).message).toBe(
    'train-images: shape 2x2x3 needs 28 bytes with its header, found 27',
  );
});

test('no byte of a file that is no IDX file is quoted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 20 }), (bytes) => {
      fc.pre(bytes[0] !== 0);
      const { message } = catching(() => readIdxHeader('trainImages', 'f', bytes));
      expect(message).toBe('f: expected an IDX file of unsigned bytes, which starts with 00 00 08');
    }),
  );
});

function catching(reading: () => unknown): TrikdError {
  try {
    reading();
  } catch (error) {
    if (error instanceof TrikdError) return error;
  }
  throw new Error('it was read');
}
