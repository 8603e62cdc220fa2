import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerOf } from './answer.js';

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
