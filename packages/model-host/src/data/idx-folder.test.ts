import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Labels, makeLabels } from '@trikd/core/data/image-source';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeIdx } from './idx-folder.js';
import { loadSource } from './load-dataset.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-write-'));
});
afterEach(() => rm(folder, { recursive: true }));

function labelsOf(count: number, classes: number): Labels {
  const labels = makeLabels(count, classes);
  for (let i = 0; i < count; i++) labels[i] = classes - 1 - i;
  return labels;
}

const sourceOf = (channels: number, classes: number) => {
  const split = (count: number) => ({
    count,
    images: Uint8Array.from({ length: count * 6 * channels }, (_, i) => i % 253),
    labels: labelsOf(count, classes),
  });
  return { name: 'made', height: 2, width: 3, channels, classes, train: split(5), test: split(2) };
};

test.each([
  [1, 10],
  [3, 10],
  [3, 300],
])('what is written is read again: %d channels, %d classes', async (channels, classes) => {
  const source = sourceOf(channels, classes);
  await writeIdx(join(folder, 'out'), source);
  const data = { kind: 'idx', folder: join(folder, 'out'), validation: 1 };
  expect(await loadSource(RunSpec.parse({ ...writtenSpec('bare'), batchSize: 1, data }))).toEqual({
    ...source,
    name: join(folder, 'out'),
  });
});

test('names of classes are written, one a line', async () => {
  const paths = await writeIdx(folder, { ...sourceOf(1, 2), classNames: ['cat', 'dog'] });
  expect(paths.at(-1)).toBe(join(folder, 'classes.txt'));
  expect(await readFile(join(folder, 'classes.txt'), 'utf8')).toBe('cat\ndog\n');
});

test('no file is overwritten', async () => {
  await writeIdx(folder, sourceOf(1, 2));
  await expect(writeIdx(folder, sourceOf(3, 2))).rejects.toThrow(
    `cannot write ${join(folder, 'train-images-idx3-ubyte')}: EEXIST`,
  );
});
