import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerOf, topClasses } from './answer.js';

const nllOf = (logits: Float32Array, label: number) => answerOf(logits, label).nll;

describe('the negative log-likelihood of a label', () => {
  test('is the logarithm of the number of classes where all logits are alike', () => {
    expect(nllOf(new Float32Array(7).fill(3), 2)).toBeCloseTo(Math.log(7), 12);
  });

  test('is -ln of the probability of the label, and the probabilities sum to 1', () => {
    const row = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(row, (values) => {
        const logits = Float32Array.from(values);
        const total = values.reduce((sum, _, label) => sum + Math.exp(-nllOf(logits, label)), 0);
        expect(total).toBeCloseTo(1, 9);
      }),
    );
  });

  test('stays finite where an exponential would overflow', () => {
    expect(nllOf(Float32Array.of(5000, -5000), 1)).toBe(10_000);
    expect(nllOf(Float32Array.of(5000, -5000), 0)).toBe(0);
  });
});

describe('the rank of a label', () => {
  test('counts the classes with a larger logit, and those before it with the same', () => {
    const logits = Float32Array.of(1, 3, 3, 2);
    expect([0, 1, 2, 3].map((label) => answerOf(logits, label).rank)).toEqual([3, 0, 1, 2]);
  });
});

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
