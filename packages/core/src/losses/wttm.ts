import { z } from 'zod';
import { defineLoss, divergences } from './loss.js';
import { exponent, transformed } from './ttm.js';

/**
 * Weighted TTM (Zheng & Yang 2024, arXiv 2402.11148): each row of `ttm` times its Σ q^γ, with the target's probabilities q at temperature 1. The
 * factor is 1 for a target that is certain, and grows to C^(1-γ) for one that knows nothing of C classes, if γ is below 1.
 */
export const wttm = defineLoss({
  kind: 'wttm',
  schema: z.strictObject({
    kind: z.literal('wttm').describe('`ttm`, with more weight for rows of a smooth target (Zheng & Yang 2024)'),
    exponent,
  }),
  value(inputs) {
    const { target, ops } = inputs;
    const { tf } = ops;
    const power = transformed({ ...inputs, target: tf.logSoftmax(target) });
    return tf.mean(tf.mul(tf.sum(tf.exp(power), 1), divergences(ops, inputs.logits, power)));
  },
});
