import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expOf, logMeanExp } from './log-mean-exp.js';

test('exp is within 1e-8 of that of Node.js, and 0 where it no longer counts', () => {
  fc.assert(
    fc.property(fc.double({ min: -40, max: 0, noNaN: true }), (x) => {
      expect(Math.abs(expOf(x) / Math.exp(x) - 1)).toBeLessThan(1e-8);
    }),
  );
  expect([expOf(0), expOf(-100), expOf(Number.NEGATIVE_INFINITY)]).toEqual([1, 0, 0]);
});

test('the mean leaves out what is skipped, and does not overflow', () => {
  const values = Float32Array.of(9, 1000, 1001, 5, 1002, 9);
  // Of 1000 and 1002, in a row of four.
  expect(logMeanExp(values, 1, 4, Uint16Array.of(1, 2))).toBeCloseTo(1002 + Math.log((1 + Math.exp(-2)) / 2), 6);
  expect(logMeanExp(Float32Array.of(-1e30, -1e30), 0, 2, new Uint16Array())).toBe(Math.fround(-1e30));
});

test('of equal values it is that value', () => {
  expect(logMeanExp(new Float32Array(10_000).fill(-3), 0, 10_000, Uint16Array.of(7))).toBe(-3);
});
