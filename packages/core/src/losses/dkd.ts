import type { Tensor2D } from '@trikd/engine';
import { z } from 'zod';
import { Amount } from '../spec/fields.js';
import { compared, defineLoss, divergences, labelLogits, oneHot, otherLogits, standardise } from './loss.js';

/**
 * Decoupled knowledge distillation (Zhao et al. 2022, arXiv 2203.08679), with probabilities p and q at temperature T and the label y:
 *
 *     T² · (alpha · KL([q_y, 1 - q_y] ‖ [p_y, 1 - p_y]) + beta · KL(q̂ ‖ p̂))
 *
 * where q̂ and p̂ are the softmax of the classes other than y. KL(q ‖ p) is this with alpha = 1 and a beta of 1 - q_y. Sum over classes,
 * mean over the batch. The published training raises the weight of the term over its first 20 epochs: a schedule of the weight. With
 * two classes there is one other class, and the second part is 0.
 */
export const dkd = defineLoss({
  kind: 'dkd',
  needsLabel: true,
  schema: z.strictObject({
    kind: z.literal('dkd').describe('decoupled distillation (Zhao et al. 2022)'),
    alpha: Amount.default(1).describe('of the part that compares the label with all other classes'),
    beta: Amount.default(8).describe(
      'of the part that compares the other classes among themselves; published: 2, 6 or 8',
    ),
    standardise,
  }),
  value(inputs) {
    const { labels, temperature, spec, ops } = inputs;
    const { tf } = ops;
    const { logits, target } = compared(inputs);
    const label = oneHot(ops, labels, logits.shape[1]);
    const own: Tensor2D = tf.div(logits, temperature);
    const wanted: Tensor2D = tf.div(target, temperature);
    const [ownOthers, wantedOthers] = [otherLogits(ops, own, label), otherLogits(ops, wanted, label)];
    // The softmax of ln(exp z_y) and ln(sum of the other exp z_i) is [p_y, 1 - p_y], without a difference that rounds to 0.
    const binary = (all: Tensor2D, others: Tensor2D) =>
      tf.stack([labelLogits(ops, all, label), tf.logSumExp(others, 1)], 1) as Tensor2D;
    const labelPart = tf.mean(divergences(ops, binary(own, ownOthers), binary(wanted, wantedOthers)));
    const otherPart = tf.mean(divergences(ops, ownOthers, wantedOthers));
    return tf.mul(tf.square(temperature), tf.add(tf.mul(spec.alpha, labelPart), tf.mul(spec.beta, otherPart)));
  },
});
