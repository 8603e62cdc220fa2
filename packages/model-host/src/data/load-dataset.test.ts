import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { allPixels } from '@trikd/core/data/image-source';
import type { Dataset } from '@trikd/core/data/split';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { RoleSpec } from '@trikd/core/spec/role-spec';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { specFor } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { datasetLoader, loadDataset, ownData, rememberLast } from './load-dataset.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-data-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

function spec(data: object, task?: 'verification'): RunSpec {
  const role = { model: { kind: 'plain-cnn', channels: [2] }, objective: [{ kind: 'task' }] };
  return RunSpec.parse({ name: 'x', data, task, batchSize: 2, epochs: 1, student: role, teacher: role });
}

const idx = (shape: readonly number[], first: number): Uint8Array => {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 | shape.length);
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  const data = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => first + i);
  return Buffer.concat([header, data]);
};

/** Two images of each identity, whose labels have four bytes. */
async function writeIdentities(train: readonly number[], test: readonly number[]): Promise<void> {
  const labels = (identities: readonly number[]) => {
    const file = Buffer.alloc(8 + 8 * identities.length);
    file.writeUInt32BE(0x0c01);
    file.writeUInt32BE(2 * identities.length, 4);
    for (let i = 0; i < 2 * identities.length; i++) file.writeInt32BE(identities[i >> 1]!, 8 + 4 * i);
    return file;
  };
  await writeFile(join(folder, 'train-images-idx3-ubyte'), idx([2 * train.length, 1, 2], 1));
  await writeFile(join(folder, 'train-labels-idx1-ubyte'), labels(train));
  await writeFile(join(folder, 't10k-images-idx3-ubyte'), idx([2 * test.length, 1, 2], 50));
  await writeFile(join(folder, 't10k-labels-idx1-ubyte'), labels(test));
}

async function writeSet(zipped: boolean, leaveOut?: string): Promise<void> {
  const files: readonly [string, Uint8Array][] = [
    ['train-images-idx3-ubyte', idx([6, 1, 2], 1)],
    ['train-labels-idx1-ubyte', idx([6], 0)],
    ['t10k-images-idx3-ubyte', idx([3, 1, 2], 50)],
    ['t10k-labels-idx1-ubyte', idx([3], 0)],
  ];
  for (const [name, bytes] of files) {
    if (name === leaveOut) continue;
    await writeFile(join(folder, zipped ? `${name}.gz` : name), zipped ? gzipSync(bytes) : bytes);
  }
}

test.each([false, true])('reads the four files of the folder in the spec (gzip: %j)', async (zipped) => {
  await writeSet(zipped);
  const { train, validation, test, ...rest } = await loadDataset(spec({ kind: 'idx', folder, validation: 2 }));
  expect([train.count, validation.count, test.count]).toEqual([4, 2, 3]);
  expect(rest).toMatchObject({ height: 1, width: 2, channels: 1, classes: 6 });
  for (const split of [train, validation]) {
    for (const [i, label] of split.labels.entries()) expect(allPixels(split)[2 * i]).toBe(1 + 2 * label);
  }
});

test('without a folder in the spec, TRIKD_DATA names it', async () => {
  await writeSet(true);
  vi.stubEnv('TRIKD_DATA', folder);
  expect((await loadDataset(spec({ kind: 'idx', validation: 2 }))).train.count).toBe(4);
});

test('a registered dataset is read by its name, wherever it is', async () => {
  await writeSet(true);
  const data = { ...ownData(), datasets: { pairs: { folder } } };
  expect((await loadDataset(spec({ kind: 'idx', name: 'pairs', validation: 2 }), data)).train.count).toBe(4);
});

test('a dataset with a name is found in the folder of its name in TRIKD_DATA', async () => {
  await writeSet(true);
  vi.stubEnv('TRIKD_DATA', dirname(folder));
  const name = basename(folder).toLowerCase();
  await rename(folder, join(dirname(folder), name));
  folder = join(dirname(folder), name);
  expect((await loadDataset(spec({ kind: 'idx', name, validation: 2 }))).train.count).toBe(4);
});

test.each(['absent', 'constructor'])('a dataset that is not there is named by the folders tried: %s', async (name) => {
  vi.stubEnv('TRIKD_DATA', folder);
  const loading = loadDataset(spec({ kind: 'idx', name }));
  await expect(loading).rejects.toMatchObject({ kind: 'not-found' });
  await expect(loading).rejects.toThrow(`tried ${join(folder, name)}, `);
});

test('a path is not read where paths are refused', async () => {
  await writeSet(true);
  const admission = { ...ownData().admission, data: { paths: false } };
  const loading = loadDataset(spec({ kind: 'idx', folder, validation: 2 }), { ...ownData(), admission });
  await expect(loading).rejects.toThrow('data.folder: this service reads no path that a spec names');
});

test('what is missing is named: the files, the folder tried and what to do', async () => {
  await writeSet(true, 't10k-labels-idx1-ubyte');
  const loading = loadDataset(spec({ kind: 'idx', folder }));
  await expect(loading).rejects.toMatchObject({ kind: 'not-found' });
  for (const part of [
    'train-images-idx3-ubyte',
    't10k-labels-idx1-ubyte',
    `tried ${folder};`,
    'make data',
    'TRIKD_DATA',
  ]) {
    await expect(loading).rejects.toThrow(part);
  }
});

test('a file that is cut is named with its path', async () => {
  await writeSet(false);
  const path = join(folder, 'train-labels-idx1-ubyte');
  await writeFile(path, idx([6], 0).subarray(0, 10));
  await expect(loadDataset(spec({ kind: 'idx', folder, validation: 2 }))).rejects.toThrow(`${path}: shape 6 needs 14`);
});

test('synthetic images need no files', async () => {
  const { train, validation, test } = await loadDataset(spec({ kind: 'synthetic', train: 20, validation: 5, test: 6 }));
  expect([train.count, validation.count, test.count]).toEqual([20, 5, 6]);
});

test('other work has its turn while images are made and split', async () => {
  const loading = loadDataset(spec({ kind: 'synthetic', height: 32, width: 32, train: 1000 }));
  let loaded = false;
  loading.finally(() => {
    loaded = true;
  });
  let turns = 0;
  for (; !loaded; turns++) await setImmediate();
  expect((await loading).train.count).toBe(1000);
  expect(turns).toBeGreaterThan(5);
});

test('more than 256 classes have labels of their own', async () => {
  const { train, classes } = await loadDataset(
    spec({ kind: 'synthetic', classes: 1000, train: 3000, height: 4, width: 4 }),
  );
  expect(classes).toBe(1000);
  expect(new Set(train.labels).size).toBeGreaterThan(900);
});

test('labels of four bytes name more than 256 identities, which are in one split each', async () => {
  await writeIdentities([700, 300, 1, 9999, 256, 257], [900, 44, 8000, 7]);
  const data = { kind: 'idx', folder, validation: 8, split: 'identities' };
  const { train, validation, test, classes } = await loadDataset(spec(data, 'verification'));
  expect(classes).toBe(2);
  const twice = (...labels: readonly number[]) => labels.flatMap((label) => [label, label]);
  const sorted = (labels: Iterable<number>) => [...labels].sort((a, b) => a - b);
  expect(sorted(train.labels)).toEqual(twice(0, 1));
  expect(sorted(validation.labels)).toEqual(twice(2, 3, 4, 5));
  expect(sorted(test.labels)).toEqual(twice(6, 7, 8, 9));
});

test('identities that are too few for the pairs of their task are refused', async () => {
  await writeIdentities([700, 300, 1, 9999, 256, 257], [900, 44, 8000]);
  const data = { kind: 'idx', folder, validation: 8, split: 'identities' };
  await expect(loadDataset(spec(data, 'verification'))).rejects.toThrow(
    '6 images of 3 identities, 3 of them with two images or more, make no pairs',
  );
});

test('synthetic identities need no files', async () => {
  const data = { kind: 'synthetic-identities', perIdentity: 2, train: 20, validation: 8, test: 10 };
  const { train, validation, test, classes } = await loadDataset(spec(data, 'verification'));
  expect([train.count, validation.count, test.count, classes]).toEqual([20, 8, 10, 10]);
  expect(new Set([...train.labels, ...validation.labels, ...test.labels]).size).toBe(19);
});

test('for emoji that are not there the message names what brings them', async () => {
  vi.stubEnv('TRIKD_CACHE', folder);
  const loading = loadDataset(spec({ kind: 'idx', name: 'emoji-identities', split: 'identities' }, 'verification'));
  await expect(loading).rejects.toThrow(
    /^no folder contains all of .*; `trikd data list` shows what `trikd data pull` brings, or set TRIKD_DATA/,
  );
});

test('data that are kept are checked again for a run of other models', async () => {
  await writeSet(true);
  const limits = AdmissionLimits.parse({ params: 100 });
  const load = datasetLoader(ownData(limits));
  const data = { kind: 'idx', folder, validation: 2 };
  expect((await load(spec(data))).train.count).toBe(4);
  const model = { kind: 'plain-cnn', channels: [2], hidden: [10] };
  const larger = { ...spec(data), teacher: RoleSpec.parse({ model, objective: [{ kind: 'task' }] }) };
  await expect(load(larger)).rejects.toThrow(/teacher\.model: \d+ params, limit admission\.params: 100/);
});

const specOf = (seed: number, epochs = 1) => specFor('bare', { name: 'r', seed, epochs });

test('data are read again only when they are others', async () => {
  let reads = 0;
  const load = rememberLast((spec) => {
    reads += 1;
    return loadDataset(spec);
  });
  const first = await load(specOf(1));
  expect(await load(specOf(1, 9))).toBe(first);
  expect(reads).toBe(1);
  expect((await load(specOf(2))).digest).not.toBe(first.digest);
  expect(reads).toBe(2);
});

test('a failure is not remembered', async () => {
  const outcomes: (() => Promise<Dataset>)[] = [
    () => Promise.reject(new Error('the disk is away')),
    () => loadDataset(specOf(1)),
  ];
  const load = rememberLast(() => outcomes.shift()!());
  await expect(load(specOf(1))).rejects.toThrow('the disk is away');
  expect((await load(specOf(1))).classes).toBe(4);
});
