import type { Tensor1D, Tensor2D } from '@trikd/engine';
import type { Ops } from './loss.js';

/**
 * KL(softmax(target) ‖ softmax(logits)) of each row, sum over classes, in nats. The target is a constant.
 * @param logits [rows, classes]
 * @param target [rows, classes]
 * @returns [rows]
 */
export function divergences({ tf, softmaxCrossEntropy }: Ops, logits: Tensor2D, target: Tensor2D): Tensor1D {
  const logTarget = tf.logSoftmax(target) as Tensor2D;
  const probabilities = tf.exp(logTarget) as Tensor2D;
  const entropy = tf.neg(tf.sum(tf.mul(probabilities, logTarget), 1));
  return tf.sub(softmaxCrossEntropy(probabilities, logits), entropy) as Tensor1D;
}
