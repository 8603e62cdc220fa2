import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { AugmentSpec } from '../spec/augment-spec.js';
import { RunSpec } from '../spec/run-spec.js';
import { makeBatch } from './batch.js';
import { batchIndices } from './batch-plan.js';
import { splitDataset } from './split.js';
import { syntheticSource } from './synthetic.js';

function setting(augment: z.input<typeof AugmentSpec> = {}) {
  const role = { model: { kind: 'plain-cnn', channels: [2] }, objective: [{ kind: 'task' }] };
  const data = { kind: 'synthetic', train: 40, validation: 8, channels: 3 };
  const spec = RunSpec.parse({
    name: 'x',
    seed: 5,
    data,
    augment,
    batchSize: 16,
    epochs: 2,
    student: role,
    teacher: role,
  });
  if (spec.data.kind !== 'synthetic') throw new Error('not synthetic');
  return { spec, dataset: splitDataset(syntheticSource(spec.data, spec.seed), spec.data, spec.seed) };
}

test('any order of calls gives the same batches, and every step another', () => {
  const { spec, dataset } = setting();
  const forth = [0, 1, 2, 3, 4, 5].map((step) => makeBatch(dataset, spec, 0, step));
  const back = [5, 4, 3, 2, 1, 0].map((step) => makeBatch(dataset, spec, 0, step));
  expect(back.toReversed()).toEqual(forth);
  expect(new Set(forth.map(({ digest }) => digest)).size).toBe(6);
});

test('two processes that split for themselves make the same batch', () => {
  const [one, other] = [setting(), setting()];
  expect(makeBatch(one.dataset, one.spec, 2, 3)).toEqual(makeBatch(other.dataset, other.spec, 2, 3));
});

test('another generation sees other batches', () => {
  const { spec, dataset } = setting();
  expect(makeBatch(dataset, spec, 0, 0).digest).not.toBe(makeBatch(dataset, spec, 1, 0).digest);
});

test('without augmentation a batch is the raw pixels and labels of its examples', () => {
  const { spec, dataset } = setting({ crop: 0, flip: false, cutout: 0 });
  const { images, labels } = makeBatch(dataset, spec, 1, 3);
  const indices = batchIndices({ seed: 5, generation: 1, examples: 40, batchSize: 16 }, 3);
  const raw = [...indices].flatMap((index) => [...dataset.train.images.subarray(index * 192, (index + 1) * 192)]);
  expect([...images]).toEqual(raw);
  expect([...labels]).toEqual([...indices].map((index) => dataset.train.labels[index]));
});

test('augmentation changes pixels and no label', () => {
  const { spec, dataset } = setting({ crop: 2, flip: true, cutout: 2 });
  const plain = setting({ crop: 0, flip: false, cutout: 0 });
  const [augmented, raw] = [makeBatch(dataset, spec, 0, 0), makeBatch(plain.dataset, plain.spec, 0, 0)];
  expect(augmented.labels).toEqual(raw.labels);
  expect(augmented.images).not.toEqual(raw.images);
});

test('the digest is the first half of the SHA-256 over images and little-endian labels', () => {
  const { spec, dataset } = setting();
  const { images, labels, digest } = makeBatch(dataset, spec, 0, 1);
  const written = Buffer.alloc(4 * labels.length);
  for (const [row, label] of labels.entries()) written.writeInt32LE(label, 4 * row);
  expect(digest).toBe(createHash('sha256').update(images).update(written).digest('hex').slice(0, 32));
});

test('the first batch of this spec is this one for ever', () => {
  const { spec, dataset } = setting();
  expect({ data: dataset.digest, batch: makeBatch(dataset, spec, 0, 0).digest }).toMatchInlineSnapshot(`
    {
      "batch": "8ef2e45fc2a8aef1da6494df7907f5c4",
      "data": "88bef23f4063b18862f522d3129b4df2596381f0c3598990ffff60a5dbd8801d",
    }
  `);
});

test('labels of 300 classes arrive in a batch, and decide its digest and that of the dataset', () => {
  const data = { kind: 'synthetic', classes: 300, train: 600, validation: 30, test: 30 };
  const role = { model: { kind: 'plain-cnn', channels: [2] }, objective: [{ kind: 'task' }] };
  const spec = RunSpec.parse({ name: 'x', data, batchSize: 300, epochs: 1, student: role, teacher: role });
  if (spec.data.kind !== 'synthetic') throw new Error('not synthetic');
  const source = syntheticSource(spec.data, spec.seed);
  const dataset = splitDataset(source, spec.data, spec.seed);
  const batch = makeBatch(dataset, spec, 0, 0);
  expect(batch.labels.filter((label) => label > 255).length).toBeGreaterThan(20);
  // What a byte would leave of the labels.
  const labels = source.train.labels.map((label) => label % 256);
  const cut = splitDataset({ ...source, train: { ...source.train, labels } }, spec.data, spec.seed);
  expect(cut.digest).not.toBe(dataset.digest);
  expect(makeBatch(cut, spec, 0, 0).images).toEqual(batch.images);
  expect(makeBatch(cut, spec, 0, 0).digest).not.toBe(batch.digest);
});
