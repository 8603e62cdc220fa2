import { z } from 'zod';
import { compared, defineLoss, standardise } from './loss.js';

/**
 * T² · KL(softmax(logits / T) ‖ softmax(target / T)), sum over classes, mean over the batch (Gu et al. 2024, arXiv 2306.08543). It looks for one
 * mode of the target where KL(target ‖ own) covers all. With own probabilities p and the target's q, the gradient per row is
 * T · p · (ln(p / q) - KL(p ‖ q)).
 */
export const reverseKl = defineLoss({
  kind: 'reverse-kl',
  schema: z.strictObject({
    kind: z.literal('reverse-kl').describe('T² · KL(own ‖ target) (Gu et al. 2024)'),
    standardise,
  }),
  value(inputs) {
    const { tf } = inputs.ops;
    const { logits, target } = compared(inputs);
    const own = tf.logSoftmax(tf.div(logits, inputs.temperature));
    const wanted = tf.logSoftmax(tf.div(target, inputs.temperature));
    const divergence = tf.sum(tf.mul(tf.exp(own), tf.sub(own, wanted)), 1);
    return tf.mul(tf.square(inputs.temperature), tf.mean(divergence));
  },
});
