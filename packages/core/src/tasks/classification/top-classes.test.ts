import { expect, test } from 'vitest';
import { topClasses } from './top-classes.js';

test('the most probable classes come first, with their probabilities', () => {
  // exp(logits) = 1, 6, 3, which sum up to 10.
  const logits = Float32Array.of(0, Math.log(6), Math.log(3));
  const top = topClasses(logits, 2);
  expect(top.map(({ label }) => label)).toEqual([1, 2]);
  expect(top[0]?.probability).toBeCloseTo(0.6, 6);
  expect(top[1]?.probability).toBeCloseTo(0.3, 6);
});

test('logits of any size have probabilities, and of equal ones the first class comes first', () => {
  expect(topClasses(Float32Array.of(3e38, -3e38, 3e38), 9)).toEqual([
    { label: 0, probability: 0.5 },
    { label: 2, probability: 0.5 },
    { label: 1, probability: 0 },
  ]);
});
