import { expect, test } from 'vitest';
import { smoothed } from './smoothed.js';

test('a constant stays as it is from its first value on', () => {
  expect(smoothed([3, undefined, 3, 3], 0.9).map((each) => each?.toFixed(9))).toEqual([
    ...['3.000000000', undefined, '3.000000000', '3.000000000'],
  ]);
});

test('a mean follows its values, with half the weight on the newest at weight 0.5', () => {
  const [, second, third] = smoothed([0, 1, 1], 0.5);
  expect(second).toBeCloseTo(2 / 3);
  expect(third).toBeCloseTo(6 / 7);
});

test('a mean begins anew where it is told, and weight 0 changes nothing', () => {
  expect(smoothed([5, 1], 0.9, new Set([1]))).toEqual([5, expect.closeTo(1)]);
  expect(smoothed([5, 1, 2], 0)).toEqual([5, 1, 2]);
});
