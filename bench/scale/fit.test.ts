import { expect, test } from 'vitest';
import { leastSquares, predict } from './fit.ts';

const samples = [1, 2, 4, 8].map((x) => ({ what: `${x}`, at: { x, noise: x % 3 }, value: 3 + 2 * x }));

test('a fit finds the coefficients of what is linear, and predicts what it has not seen', () => {
  const { coefficients, worst, worstLeftOut } = leastSquares(samples, ['one', 'x']);
  expect(coefficients['one']?.value).toBeCloseTo(3, 9);
  expect(coefficients['x']?.value).toBeCloseTo(2, 9);
  expect(predict(coefficients, { x: 1e6 })).toBeCloseTo(2e6 + 3, 2);
  expect([worst, worstLeftOut].every((error) => error < 1e-9)).toBe(true);
});

test('a regressor whose coefficient would be negative is left out', () => {
  const falling = samples.map((sample) => ({ ...sample, value: 10 - sample.at.x }));
  expect(Object.keys(leastSquares(falling, ['one', 'x']).coefficients)).toEqual(['one']);
});
