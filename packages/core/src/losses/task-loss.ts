import type { Scalar, Tensor1D, Tensor2D } from '@trikd/engine';
import type { Ops } from './loss.js';

/**
 * Cross-entropy with the labels, -ln softmax(logits)[label], mean over the batch, in nats. Always at temperature 1.
 * @param logits [rows, classes]
 * @param labels [rows], int32
 */
export function taskLoss({ tf, softmaxCrossEntropy }: Ops, logits: Tensor2D, labels: Tensor1D): Scalar {
  const targets = tf.cast(tf.oneHot(labels, logits.shape[1]), 'float32') as Tensor2D;
  return tf.mean(softmaxCrossEntropy(targets, logits));
}
