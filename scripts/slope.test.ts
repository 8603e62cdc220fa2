import { expect, test } from 'vitest';
import { leastOfEach, type Sample, slopeOf } from './slope.ts';

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

test('of each stretch of time the least sample is taken', () => {
  const samples: readonly Sample[] = [
    [0, 7],
    [1, 5],
    [4.9, 6],
    [10, 4],
    [11, 3],
  ];
  expect(leastOfEach(samples, 5)).toEqual([samples[1], samples[4]]);
});
