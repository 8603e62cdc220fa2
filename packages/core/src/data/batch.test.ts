import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { AugmentSpec } from '../spec/data-spec.js';
import { RunSpec } from '../spec/run-spec.js';
import { batchIndices, epochOf, makeBatch, stepsPerEpoch, totalSteps } from './batch.js';
import { splitDataset } from './split.js';
import { syntheticSource } from './synthetic.js';

const plan = fc
  .record({
    seed: fc.nat(0xffffffff),
    stage: fc.nat(5),
    examples: fc.integer({ min: 1, max: 90 }),
    part: fc.nat(89),
  })
  .map(({ part, ...rest }) => ({ ...rest, batchSize: 1 + (part % rest.examples) }));

function epoch(of: Parameters<typeof batchIndices>[0], number: number): readonly number[] {
  const steps = stepsPerEpoch(of.examples, of.batchSize);
  return Array.from({ length: steps }, (_, i) => [...batchIndices(of, number * steps + i)]).flat();
}

test('an epoch visits no example twice, and every one when batches divide them', () => {
  fc.assert(
    fc.property(plan, fc.nat(4), (one, number) => {
      const visited = epoch(one, number);
      expect(new Set(visited).size).toBe(visited.length);
      expect(visited.length).toBe(one.examples - (one.examples % one.batchSize));
      expect(visited.every((index) => index >= 0 && index < one.examples)).toBe(true);
    }),
  );
});

test('the order in which steps are asked for changes nothing', () => {
  const one = { seed: 1, stage: 0, examples: 50, batchSize: 10 };
  const forth = Array.from({ length: 40 }, (_, step) => batchIndices(one, step));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(39), fc.nat(3)), { maxLength: 30 }), (asked) => {
      for (const [step, stage] of asked) {
        const indices = batchIndices({ ...one, stage }, step);
        if (stage === 0) expect(indices).toEqual(forth[step]);
      }
    }),
  );
});

test('what a caller does to its indices changes no later batch', () => {
  const one = { seed: 2, stage: 0, examples: 8, batchSize: 4 };
  const before = [...batchIndices(one, 0)];
  batchIndices(one, 0).fill(0);
  expect([...batchIndices(one, 0)]).toEqual(before);
});

test('seeds, stages and epochs have orders of their own', () => {
  const one = { seed: 1, stage: 0, examples: 100, batchSize: 100 };
  const orders = [
    batchIndices(one, 0),
    batchIndices(one, 1),
    batchIndices({ ...one, seed: 2 }, 0),
    batchIndices({ ...one, stage: 1 }, 0),
  ];
  expect(new Set(orders.map(String)).size).toBe(4);
});

test('every example is about as often the first of an epoch as any other', () => {
  const counts = new Uint32Array(4);
  for (let step = 0; step < 4000; step++) {
    counts[batchIndices({ seed: 3, stage: 0, examples: 4, batchSize: 4 }, step)[0]!]!++;
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
});

test('the batches of seed 7 are these for ever', () => {
  const one = { seed: 7, stage: 1, examples: 10, batchSize: 5 };
  expect([0, 1, 2].map((step) => [...batchIndices(one, step)])).toMatchInlineSnapshot(`
    [
      [
        7,
        0,
        6,
        3,
        9,
      ],
      [
        5,
        8,
        2,
        1,
        4,
      ],
      [
        8,
        4,
        2,
        3,
        7,
      ],
    ]
  `);
});

test('steps are counted in whole batches', () => {
  expect([stepsPerEpoch(100, 32), totalSteps(100, 32, 5)]).toEqual([3, 15]);
  expect(epochOf({ seed: 0, stage: 0, examples: 100, batchSize: 32 }, 7)).toBe(2);
});

test('refuses a batch larger than the training split and a step that is none', () => {
  expect(() => stepsPerEpoch(31, 32)).toThrow('a batch of 32 needs more than the 31 training images');
  expect(() => batchIndices({ seed: 0, stage: 0, examples: 4, batchSize: 2 }, -1)).toThrow('step -1');
});

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

test('another stage sees other batches', () => {
  const { spec, dataset } = setting();
  expect(makeBatch(dataset, spec, 0, 0).digest).not.toBe(makeBatch(dataset, spec, 1, 0).digest);
});

test('without augmentation a batch is the raw pixels and labels of its examples', () => {
  const { spec, dataset } = setting({ crop: 0, flip: false, cutout: 0 });
  const { images, labels } = makeBatch(dataset, spec, 1, 3);
  const indices = batchIndices({ seed: 5, stage: 1, examples: 40, batchSize: 16 }, 3);
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
