import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allPixels } from '@trikd/core/data/image-source';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { npyFile, zipFile } from '@trikd/testing/images/npz-file';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSource, ownData } from './load-dataset.js';

const SECOND = 1000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-npz-'));
});
afterEach(() => rm(folder, { recursive: true }));

const file = () => join(folder, 'pairs.npz');
const specOf = (data: object) => RunSpec.parse({ ...writtenSpec('bare'), batchSize: 1, data });
const spec = () => specOf({ kind: 'npz', file: file(), validation: 2 });
const bytes = (first: number, count: number) => Uint8Array.from({ length: count }, (_, i) => first + i);
const images = (first: number, count: number) => npyFile('|u1', [count, 1, 2], bytes(first, 2 * count));
const labels = (first: number, count: number) => npyFile('|u1', [count, 1], bytes(first, count));
const pairs = () => ({ 'images.npy': images(0, 8), 'labels.npy': labels(0, 8) });

async function loaded(content: Uint8Array, limits = AdmissionLimits.parse({})) {
  await writeFile(file(), content);
  return await loadSource(spec(), ownData(limits));
}

test('arrays of MedMNIST are read, its validation images among the training images', async () => {
  const { train, test, ...shape } = await loaded(
    zipFile({
      ...{ 'train_images.npy': images(0, 4), 'train_labels.npy': labels(0, 4) },
      ...{ 'val_images.npy': images(100, 2), 'val_labels.npy': labels(4, 2) },
      ...{ 'test_images.npy': images(200, 3), 'test_labels.npy': labels(1, 3) },
    }),
  );
  expect(shape).toMatchObject({ name: file(), height: 1, width: 2, channels: 1, classes: 6 });
  expect([...allPixels(train)]).toEqual([...bytes(0, 8), ...bytes(100, 4)]);
  expect([...train.labels]).toEqual([0, 1, 2, 3, 4, 5]);
  expect([[...allPixels(test)], [...test.labels]]).toEqual([[...bytes(200, 6)], [1, 2, 3]]);
});

test('arrays of Keras are read', async () => {
  const { train, test } = await loaded(
    zipFile({
      ...{ 'x_train.npy': images(0, 4), 'y_train.npy': labels(0, 4) },
      ...{ 'x_test.npy': images(9, 3), 'y_test.npy': labels(0, 3) },
    }),
  );
  expect([train.count, test.count]).toEqual([4, 3]);
});

test('of images and labels alone, test images are held out', async () => {
  const { train, test } = await loaded(zipFile(pairs()));
  expect([train.count, test.count]).toEqual([6, 2]);
  for (const split of [train, test]) {
    for (const [i, label] of split.labels.entries()) expect(allPixels(split)[2 * i]).toBe(2 * label);
  }
});

test('labels of eight bytes name more than 256 classes', async () => {
  const content = Buffer.alloc(8 * 8);
  content.writeUInt16LE(999, 8);
  const { classes, train, test } = await loaded(zipFile({ ...pairs(), 'labels.npy': npyFile('<i8', [8], content) }));
  expect([classes, [...train.labels, ...test.labels].includes(999)]).toEqual([1000, true]);
});

test('a registered dataset is the file of its name in its folder', async () => {
  await writeFile(file(), zipFile(pairs()));
  const named = specOf({ kind: 'npz', name: 'pairs', validation: 2 });
  const source = await loadSource(named, { ...ownData(), datasets: { pairs: { folder } } });
  expect(source.train.count).toBe(6);
});

test('a file that is not there is named', async () => {
  await expect(loadSource(spec())).rejects.toThrow(`there is no file ${file()}`);
});

describe('is refused by name and within a second:', () => {
  const whole = () => zipFile(pairs());
  const with_ = (name: string, content: Uint8Array) => zipFile({ ...pairs(), [name]: content });
  test.each([
    [
      'a file of another format',
      () => Buffer.from('root:x:0:0:secret'),
      /pairs\.npz is no zip archive, or is cut off$/,
    ],
    ['an archive that is cut', () => whole().subarray(0, -30), /pairs\.npz is no zip archive, or is cut off$/],
    [
      'an archive without its first bytes',
      () => whole().subarray(99),
      /pairs\.npz(: images)? .*archive says|damaged list|cut off/,
    ],
    ['an archive of other arrays', () => zipFile({ 'a.npy': images(0, 3) }), /expected the arrays train_images, /],
    [
      'a pickled array',
      () => with_('labels.npy', npyFile('|O', [8], Buffer.from('cos\nsystem\n'))),
      /pairs\.npz: labels has Python objects, which are pickled and not read/,
    ],
    ['an array of floats', () => with_('images.npy', npyFile('<f4', [8, 1, 2], Buffer.alloc(64))), /images are uint8/],
    ['fewer labels', () => with_('labels.npy', labels(0, 7)), /pairs\.npz: labels has 7 labels for 8 images/],
    [
      'an array whose header says more than it has',
      () => with_('images.npy', npyFile('|u1', [8, 1000, 1000], Buffer.alloc(16))),
      /images of shape 8x1000x1000 needs 8000128 bytes, found 144/,
    ],
    ['another checksum', () => zipFile(pairs(), { checksum: 1 }), /has another checksum than the archive says/],
    ['an encrypted archive', () => zipFile(pairs(), { flags: 1 }), /pairs\.npz: images\.npy is encrypted/],
    ['an unknown method', () => zipFile(pairs(), { method: 93 }), /images\.npy is packed by method 93/],
    ['an archive of zip64', () => zipFile(pairs(), { unpacked: 0xffff_ffff }), /zip64, which is not read/],
    [
      'a member that says it unpacks to 3 GB',
      () => zipFile(pairs(), { unpacked: 3e9 }),
      /images\.npy unpacks \d+ bytes to 3000000000, more than 100 times as many/,
    ],
  ])('%s', async (_what, content, message) => {
    const began = performance.now();
    await expect(loaded(content())).rejects.toThrow(message);
    expect(performance.now() - began).toBeLessThan(SECOND);
  });

  test('a bomb whose member is larger than the archive says', async () => {
    const bomb = npyFile('|u1', [8, 1, 2], Buffer.alloc(50_000_000));
    const content = zipFile({ 'images.npy': bomb, 'labels.npy': labels(0, 8) }, { unpacked: 144 });
    const began = performance.now();
    await expect(loaded(content)).rejects.toThrow('images.npy has more than the 144 bytes that the archive says');
    expect(performance.now() - began).toBeLessThan(SECOND);
  });

  test('a bomb of images that the limits allow', async () => {
    const content = zipFile({ ...pairs(), 'images.npy': npyFile('|u1', [8, 4000, 4000], Buffer.alloc(128_000_000)) });
    await expect(loaded(content)).rejects.toThrow('more than 100 times as many');
  });

  test('images above a limit, before they are read', async () => {
    await expect(loaded(zipFile(pairs()), AdmissionLimits.parse({ imageBytes: 1 }))).rejects.toThrow(
      '2 bytes in an image, limit admission.imageBytes: 1',
    );
  });

  test('labels of more classes than the limit', async () => {
    await expect(loaded(zipFile(pairs()), AdmissionLimits.parse({ classes: 5 }))).rejects.toThrow(
      '8 classes, limit admission.classes: 5',
    );
  });
});
