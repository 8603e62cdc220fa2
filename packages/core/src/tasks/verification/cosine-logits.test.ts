import { type Tensor2D, tf } from '@trikd/engine';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cosineLogits } from './cosine-logits.js';

type Rows = readonly (readonly number[])[];

const matrix = (rows: Rows) => tf.tensor2d(rows as number[][]);

/** scale · cos θ in double precision. @param weights one row for each class */
function expected(embeddings: Rows, weights: Rows, scale: number): number[] {
  const length = (row: readonly number[]) => Math.hypot(...row);
  return embeddings.flatMap((row) =>
    weights.map((weight) => {
      const product = row.reduce((sum, x, i) => sum + x * weight[i]!, 0);
      return (scale * product) / (length(row) * length(weight));
    }),
  );
}

function logitsOf(embeddings: Rows, weights: Rows, scale: number): number[] {
  return tf.tidy(() => Array.from(cosineLogits(matrix(embeddings), tf.transpose(matrix(weights)), scale).dataSync()));
}

const row = fc
  .array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 })
  .filter((values) => Math.hypot(...values) > 0.1);
const rows = fc.array(row, { minLength: 1, maxLength: 5 });

test('a logit is the scaled cosine of the angle between embedding and weight', () => {
  fc.assert(
    fc.property(rows, rows, fc.integer({ min: 1, max: 64 }), (embeddings, weights, scale) => {
      const wanted = expected(embeddings, weights, scale);
      for (const [i, logit] of logitsOf(embeddings, weights, scale).entries()) {
        expect(Math.abs(logit - wanted[i]!)).toBeLessThanOrEqual(1e-6 * scale);
      }
    }),
  );
});

test('an embedding of length 0 has logits of 0 and finite gradients', () => {
  const weights = [
    [1, 0],
    [0, 2],
  ];
  expect(logitsOf([[0, 0]], weights, 8)).toEqual([0, 0]);
  const gradient = tf.tidy(() => {
    const f = (own: Tensor2D) => tf.sum(cosineLogits(own, matrix(weights), 8));
    return Array.from(
      tf
        .grad((own) => f(own as Tensor2D))(matrix([[0, 0]]))
        .dataSync(),
    );
  });
  expect(gradient.every(Number.isFinite)).toBe(true);
});
