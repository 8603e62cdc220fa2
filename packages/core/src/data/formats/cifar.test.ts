import { expect, test } from 'vitest';
import { CIFAR_10, CIFAR_100, type CifarFormat, readRecords, recordBytes } from './cifar.js';

/** A record whose colours are planes of their own. */
const record = (...labels: number[]) =>
  Buffer.concat([Buffer.from(labels), ...[10, 20, 30].map((colour) => Buffer.alloc(1024, colour))]);

function read(bytes: Buffer, format: CifarFormat) {
  const count = bytes.length / recordBytes(format);
  const split = { count, images: new Uint8Array(count * 3072), labels: new Uint8Array(count) };
  readRecords('batch.bin', bytes, format, split, 0);
  return split;
}

test('the planes of a record become pixels', () => {
  const bytes = record(7);
  bytes[1 + 1024 + 33] = 99;
  const { images, labels } = read(bytes, CIFAR_10);
  expect([...labels]).toEqual([7]);
  expect([...images.subarray(0, 6)]).toEqual([10, 20, 30, 10, 20, 30]);
  expect([...images.subarray(3 * 33, 3 * 34)]).toEqual([10, 99, 30]);
});

test('CIFAR-100 has a coarse and a fine label', () => {
  const bytes = Buffer.concat([record(3, 88), record(19, 99)]);
  expect([...read(bytes, CIFAR_100.fine).labels]).toEqual([88, 99]);
  expect([...read(bytes, CIFAR_100.coarse).labels]).toEqual([3, 19]);
});

test('a label that is none is refused with its file', () => {
  expect(() => read(record(10), CIFAR_10)).toThrow('batch.bin: label 10 is not from 0 to 9');
});
