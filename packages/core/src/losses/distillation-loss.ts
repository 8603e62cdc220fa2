import type { Scalar, Tensor2D } from '@trikd/engine';
import type { Ops } from './loss.js';

/**
 * T² · KL(softmax(target / T) ‖ softmax(logits / T)), sum over classes, mean over the batch (Hinton et al. 2015). The
 * factor T² keeps the size of the gradient independent of the temperature T. The target is a constant. Per row and
 * before the mean, the gradient is T · (softmax(logits / T) - softmax(target / T)).
 * @param logits [rows, classes], of the model that learns
 * @param target [rows, classes], of the model that is imitated
 */
export function distillationLoss(
  { tf, softmaxCrossEntropy }: Ops,
  logits: Tensor2D,
  target: Tensor2D,
  temperature: Scalar,
): Scalar {
  const logTarget = tf.logSoftmax(tf.div(target, temperature)) as Tensor2D;
  const probabilities = tf.exp(logTarget) as Tensor2D;
  const crossEntropy = softmaxCrossEntropy(probabilities, tf.div(logits, temperature));
  const entropy = tf.neg(tf.sum(tf.mul(probabilities, logTarget), 1));
  return tf.mul(tf.square(temperature), tf.mean(tf.sub(crossEntropy, entropy)));
}
