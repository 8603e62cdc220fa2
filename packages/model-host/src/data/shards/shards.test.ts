import { mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBatch, readBatchAhead } from '@trikd/core/data/batch';
import { allPixels, bytesInMemory, type ImageSource } from '@trikd/core/data/image-source';
import { syntheticSource } from '@trikd/core/data/synthetic';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { DataSpec } from '@trikd/core/spec/data-spec';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeIdx } from '../idx-folder.js';
import { datasetLoader, loadDataset, ownData } from '../load-dataset.js';
import { verifyShardFolder } from './shard-folder.js';
import { writeShards } from './write-shards.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-shards-'));
});
afterEach(() => rm(folder, { recursive: true }));

const sizes = { train: 50, validation: 10, test: 13, height: 3, width: 5, channels: 3 };

/** Of four classes 60 training images and 13 test images, which are 9 and 2 shards. */
function source(classes = 4): ImageSource {
  const made = DataSpec.parse({ kind: 'synthetic', ...sizes, train: Math.max(50, classes), classes });
  if (made.kind !== 'synthetic') throw new Error('not synthetic');
  return syntheticSource(made, 3);
}

function spec(kind: 'shards' | 'idx', more: object = {}): RunSpec {
  const role = { model: { kind: 'plain-cnn', channels: [2] }, objective: [{ kind: 'task' }] };
  const data = { kind, folder: join(folder, kind), validation: 10 };
  return RunSpec.parse({ name: 'x', data, batchSize: 8, epochs: 4, student: role, teacher: role, ...more });
}

const write = async (from = source()) => [
  await writeShards(join(folder, 'shards'), from, 7),
  await writeIdx(join(folder, 'idx'), from),
];

const shard = (name: string) => join(folder, 'shards', name);

test.each([4, 300])('a set of %i classes in shards is the same as in memory', async (classes) => {
  await write(source(classes));
  const [stored, held] = await Promise.all([loadDataset(spec('shards')), loadDataset(spec('idx'))]);
  for (const split of ['train', 'validation', 'test'] as const) {
    expect(stored[split].labels).toEqual(held[split].labels);
    expect(Buffer.compare(allPixels(stored[split]), allPixels(held[split]))).toBe(0);
    expect(bytesInMemory(stored[split])).toBe(0);
  }
  expect({ ...stored, train: 0, validation: 0, test: 0 }).toEqual({ ...held, train: 0, validation: 0, test: 0 });
});

test('batches are the same, read ahead or not', async () => {
  await write();
  const mixing = { augment: [{ kind: 'crop' }, { kind: 'mixup' }] };
  const [ofShards, ofIdx] = [spec('shards', mixing), spec('idx', mixing)];
  const [stored, held] = await Promise.all([loadDataset(ofShards), loadDataset(ofIdx)]);
  for (let step = 0; step < 18; step++) {
    if (step % 2 === 0) {
      readBatchAhead(stored, ofShards, 0, step);
      // Any read that is asked for later ends later: there are threads for four at a time.
      await readFile(shard('shards.json'));
    }
    expect(makeBatch(stored, ofShards, 0, step)).toEqual(makeBatch(held, ofIdx, 0, step));
  }
});

test('pixels in files count as no memory, and their number has its limit', async () => {
  await write();
  const load = (limits: object) => {
    const { datasets, ...own } = ownData(AdmissionLimits.parse(limits));
    return datasetLoader({ ...own, datasets })(spec('shards'));
  };
  await expect(load({ datasetBytes: 1 })).resolves.toMatchObject({ classes: 4 });
  await expect(load({ datasetImages: 72 })).rejects.toThrow('73 images, limit admission.datasetImages: 72');
});

test('an image that is gone while it is wanted is reported with its file', async () => {
  await write();
  const { train } = await loadDataset(spec('shards'));
  await truncate(shard('train-00000.bin'), 0);
  expect(() => allPixels(train)).toThrow(/train-00000\.bin was cut while it is read/);
});

test('verification reads every file, and names all that are damaged', async () => {
  await write();
  let bytes = 0;
  expect(await verifyShardFolder(join(folder, 'shards'), (read) => (bytes += read))).toBe(13);
  expect(bytes).toBe(73 * 46);
  const content = await readFile(shard('train-00003.bin'));
  content[100]! ^= 1;
  await writeFile(shard('train-00003.bin'), content);
  await rm(shard('test-00001.bin'));
  await expect(verifyShardFolder(join(folder, 'shards'), () => undefined)).rejects.toThrow(
    /has 2 problems:\n {2}train-00003\.bin: holds other data: SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}\n {2}test-00001\.bin: is missing/,
  );
});

test('no file is overwritten', async () => {
  await write();
  await expect(write()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('EEXIST') });
});

interface Manifest {
  [name: string]: unknown;
  train: { images: number; labels: string; shards: string[] };
}

const changed = (change: (manifest: Manifest) => void) => async () => {
  const manifest = JSON.parse(await readFile(shard('shards.json'), 'utf8')) as Manifest;
  change(manifest);
  await writeFile(shard('shards.json'), JSON.stringify(manifest));
};

test.each<[string, () => Promise<unknown>, RegExp]>([
  ['a manifest that is none', () => writeFile(shard('shards.json'), '{"'), /shards\.json: is no JSON/],
  ['another format', changed((all) => (all['format'] = 'x')), /shards\.json: format: expected trikd-shards-1/],
  ['another number of shards', changed(({ train }) => train.shards.pop()), /60 images are 9 shards of 7 images, not 8/],
  ['a billion shards', changed((all) => Object.assign(all, { imagesPerShard: 1 })), /60 images are 60 shards/],
  [
    'more images than bytes',
    changed(({ train }) => (train.images = 61)),
    /train-labels\.bin: has 60 bytes, expected 61/,
  ],
  ['a digest that is a path', changed(({ train }) => (train.shards[0] = '../x')), /a SHA-256 in lower-case hex/],
  ['labels that are changed', () => writeFile(shard('train-labels.bin'), new Uint8Array(60)), /other bytes than/],
  ['a shard that is cut', () => truncate(shard('train-00001.bin'), 3), /train-00001\.bin: has 3 bytes, expected 315/],
  ['a shard that is missing', () => rm(shard('train-00002.bin')), /there is no file .*train-00002\.bin/],
  [
    'a shard that is a link',
    async () => {
      await rename(shard('train-00002.bin'), join(folder, 'elsewhere'));
      await symlink(join(folder, 'elsewhere'), shard('train-00002.bin'));
    },
    /is a symbolic link/,
  ],
])('%s is refused', async (_, damage, message) => {
  await write();
  await damage();
  await expect(loadDataset(spec('shards'))).rejects.toThrow(message);
});

test('labels above the classes are refused', async () => {
  const { labels } = source().train;
  await write({ ...source(), train: { ...source().train, labels: labels.map((label) => 2 * label) } });
  await expect(loadDataset(spec('shards'))).rejects.toThrow(/has a label that is none of 4 classes/);
});
