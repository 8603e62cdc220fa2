import type { Dataset } from '@trikd/core/data/split';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { expect, test } from 'vitest';
import { loadDataset } from './data/load-dataset.js';
import { rememberLast } from './remember-last.js';

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };
const specOf = (seed: number, epochs = 1) =>
  RunSpec.parse({ name: 'r', seed, epochs, data: { kind: 'synthetic' }, student: role, teacher: role });

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
