import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logTicks, ticks, widened } from './ticks.js';

test('marks of an axis are round numbers within it', () => {
  expect(ticks(79.3, 84.1)).toEqual([80, 81, 82, 83, 84]);
  expect(ticks(0.48, 0.61).map((value) => value.toFixed(2))).toEqual(['0.50', '0.55', '0.60']);
});

test('an axis has from two to eight marks', () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(number, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (from, length) => {
      const marks = ticks(from, from + length);
      expect(marks.length).toBeGreaterThanOrEqual(2);
      expect(marks.length).toBeLessThanOrEqual(8);
    }),
  );
});

test('a logarithmic axis has 1, 2 and 5 times the powers of ten', () => {
  expect(logTicks(3, 120)).toEqual([5, 10, 20, 50, 100]);
});

test('a range of one value is widened to a range', () => {
  const [low, high] = widened([3, 3]);
  expect(low).toBeLessThan(3);
  expect(high).toBeGreaterThan(3);
});
