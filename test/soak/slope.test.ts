import { expect, test } from 'vitest';
import { slopeOf } from './slope.js';

test('the slope of a straight line is its own, without error', () => {
  const { perUnit, error } = slopeOf([0, 1, 2, 5].map((at) => [at, 3 - 2 * at]));
  expect(perUnit).toBeCloseTo(-2, 12);
  expect(error).toBeCloseTo(0, 12);
});

test('the slope of scattered samples is that of least squares', () => {
  const { perUnit, error } = slopeOf([
    [0, 0],
    [1, 2],
    [2, 1],
    [3, 3],
  ]);
  expect(perUnit).toBeCloseTo(0.8, 12);
  expect(error).toBeCloseTo(Math.sqrt(1.8 / 2 / 5), 12);
});
