import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { allPixels } from '@trikd/core/data/image-source';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadDataset, loadSource } from './load-dataset.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-cifar-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Records whose red is their number, and whose last label is too. */
function records(first: number, count: number, labels: (i: number) => readonly number[]): Buffer {
  const one = (i: number) => [Buffer.from(labels(i)), Buffer.alloc(1024, i), Buffer.alloc(2048, 9)];
  return Buffer.concat(Array.from({ length: count }, (_, i) => one(first + i)).flat());
}

async function put(path: string, content: Buffer): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

async function putTen(prefix = ''): Promise<void> {
  for (let batch = 1; batch <= 5; batch++) {
    await put(
      `${prefix}data_batch_${batch}.bin`,
      records(100 * (batch % 2) + 20 * batch, 4, (i) => [i % 10]),
    );
  }
  await put(
    `${prefix}test_batch.bin`,
    records(250, 3, (i) => [i % 10]),
  );
}

const spec = (changes: object = {}) =>
  RunSpec.parse({
    ...writtenSpec('bare'),
    batchSize: 1,
    data: { kind: 'cifar', folder, validation: 5, ...changes },
  });

test.each(['', 'cifar-10-batches-bin/'])('CIFAR-10 is read from its folder or the one above: %j', async (prefix) => {
  await putTen(prefix);
  const { train, validation, test, ...shape } = await loadDataset(spec());
  expect([train.count, validation.count, test.count]).toEqual([15, 5, 3]);
  expect(shape).toMatchObject({ height: 32, width: 32, channels: 3, classes: 10 });
  for (const split of [train, validation, test]) {
    const [images, labels] = [allPixels(split), split.labels];
    for (const [i, label] of labels.entries()) {
      expect([...images.subarray(3072 * i, 3072 * i + 3)]).toEqual([images[3072 * i], 9, 9]);
      expect(images[3072 * i]! % 10).toBe(label);
    }
  }
});

test.each([
  [undefined, 100, [71, 72]],
  ['coarse', 20, [11, 12]],
])('CIFAR-100 is read with labels %j', async (labels, classes, expected) => {
  await put(
    'train.bin',
    records(0, 90, (i) => [i % 20, i]),
  );
  await put(
    'test.bin',
    records(91, 2, (i) => [i - 80, i - 20]),
  );
  const source = await loadSource(spec({ ...(labels && { labels }) }));
  expect([source.classes, source.train.count, [...source.test.labels]]).toEqual([classes, 90, expected]);
});

test('a folder without the files is named', async () => {
  await expect(loadSource(spec())).rejects.toMatchObject({ kind: 'not-found' });
  await expect(loadSource(spec())).rejects.toThrow(
    `data_batch_1.bin, of CIFAR-10, or train.bin, of CIFAR-100; tried ${folder}`,
  );
});

test('a batch that is missing is named', async () => {
  await putTen();
  await rm(join(folder, 'data_batch_4.bin'));
  await expect(loadSource(spec())).rejects.toThrow(`there is no file ${join(folder, 'data_batch_4.bin')}`);
});

test('a file that is cut is named with its bytes', async () => {
  await putTen();
  await put('test_batch.bin', records(0, 3, () => [1]).subarray(1));
  await expect(loadSource(spec())).rejects.toThrow(
    `${join(folder, 'test_batch.bin')}: 9218 bytes are not a whole number of records of 3073`,
  );
});

test('a label that is none is named with its file', async () => {
  await putTen();
  await put(
    'data_batch_2.bin',
    records(0, 3, () => [10]),
  );
  await expect(loadSource(spec())).rejects.toThrow(`${join(folder, 'data_batch_2.bin')}: label 10 is not from 0 to 9`);
});
