import { expect, test } from 'vitest';
import { compareOutputs } from './compare-outputs.js';

const rows = (...values: number[]) => Float32Array.from(values);

test('outputs are compared by their largest difference, their classes, and the labels', () => {
  const compared = compareOutputs(rows(1, 0, 0, 2, 3, 4), rows(1, 0, 0.25, 0.125, 3, 4), 2, [0, 1, 0]);
  expect(compared).toEqual({ images: 3, difference: 1.875, agreeing: 2, right: { exported: 2, expected: 1 } });
  expect(compareOutputs(rows(1, 0), rows(1, 0), 2).right).toBeUndefined();
});

test('an output that is no number is infinitely far away', () => {
  expect(compareOutputs(rows(Number.NaN, 0), rows(1, 0), 2).difference).toBe(Number.POSITIVE_INFINITY);
});
