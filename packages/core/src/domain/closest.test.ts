import { expect, test } from 'vitest';
import { closest } from './closest.js';

const names = ['name', 'seed', 'batchSize', 'epochs', 'data', 'warmupSteps'];

test.each([
  ['batchsize', 'batchSize'],
  ['batch_size', 'batchSize'],
  ['batch-size', 'batchSize'],
  ['epoch', 'epochs'],
  ['warmUpStep', 'warmupSteps'],
  ['sead', 'seed'],
  ['colour', undefined],
  ['temperature', undefined],
])('%s is probably %s', (word, name) => {
  expect(closest(word, names)).toBe(name);
});
