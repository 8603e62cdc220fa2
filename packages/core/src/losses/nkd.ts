import type { Tensor2D } from '@trikd/engine';
import { z } from 'zod';
import { Amount } from '../spec/fields.js';
import { defineLoss, labelLogits, oneHot, otherLogits } from './loss.js';

/**
 * Normalized knowledge distillation (Yang et al. 2023, arXiv 2303.13005), with the label y:
 *
 *     -q_y · ln p_y - gamma · T² · Σ_{i ≠ y} q̂_i · ln p̂_i
 *
 * where p_y and q_y are probabilities at temperature 1, and p̂ and q̂ the softmax at temperature T of the classes other than y. Mean over the
 * batch. Published with T = 1. These are cross-entropies: the loss is not 0 where the logits are those of the target. With two
 * classes there is one other class, and the second part is 0.
 */
export const nkd = defineLoss({
  kind: 'nkd',
  needsLabel: true,
  schema: z.strictObject({
    kind: z.literal('nkd').describe('normalized distillation; published with T = 1 (Yang et al. 2023)'),
    gamma: Amount.default(1.5).describe('of the part that compares the classes other than the label'),
  }),
  value({ logits, target, labels, temperature, spec, ops }) {
    const { tf, softmaxCrossEntropy } = ops;
    const label = oneHot(ops, labels, logits.shape[1]);
    const wantedLabel = labelLogits(ops, tf.softmax(target), label);
    const labelPart = tf.mean(tf.mul(wantedLabel, softmaxCrossEntropy(label, logits)));
    const others = (z: Tensor2D) => otherLogits(ops, tf.div(z, temperature), label);
    const otherPart = tf.mean(softmaxCrossEntropy(tf.softmax(others(target)), others(logits)));
    return tf.add(labelPart, tf.mul(tf.mul(spec.gamma, tf.square(temperature)), otherPart));
  },
});
