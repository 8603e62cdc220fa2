import { expect, test } from 'vitest';
import { fusedDouble, fusedFloat } from './rounded-once.js';

const ULP = 2 ** -23;

test('a product of floats and a sum are rounded once', () => {
  // Just below the middle of two floats. Rounded to float64 it is the middle, which then goes to the even one.
  const [a, b] = [(1 + ULP) * 2 ** -12, (1 - ULP) * 2 ** -12];
  expect(Math.fround(a * b + (1 + ULP))).toBe(1 + 2 * ULP);
  expect(fusedFloat(a, b, 1 + ULP)).toBe(1 + ULP);
  expect(fusedFloat(1 + 2 ** -12, 1 + 2 ** -12, 2 ** -60)).toBe(1 + 2 ** -11 + ULP);
  expect(fusedFloat(1 + 2 ** -12, 1 + 2 ** -12, -(2 ** -60))).toBe(1 + 2 ** -11);
  expect(fusedFloat(3, 5, -15)).toBe(0);
});

test('a product of doubles and a sum are rounded once', () => {
  const a = 1 + 2 ** -30;
  expect(fusedDouble(a, a, -1 - 2 ** -29)).toBe(2 ** -60);
  expect(fusedDouble(a, a, 2 ** -100)).toBe(1 + 2 ** -29);
  expect(fusedDouble(1 + 2 ** -27, 1 - 2 ** -27, -1)).toBe(-(2 ** -54));
  expect(fusedDouble(3, 5, 7)).toBe(22);
});
