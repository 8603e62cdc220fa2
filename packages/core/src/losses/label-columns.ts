import type { Tensor1D, Tensor2D } from '@trikd/engine';
import type { Ops } from './loss.js';

/** Far below any logit: its exponential is 0, and in float32 its products and differences are finite. */
const EXCLUDED = -1e30;

/** One-hot rows of float32, [rows, classes]. */
export function oneHot({ tf }: Ops, labels: Tensor1D, classes: number): Tensor2D {
  return tf.cast(tf.oneHot(labels, classes), 'float32') as Tensor2D;
}

/** The logit of each row's label, [rows]. */
export function labelLogits({ tf }: Ops, logits: Tensor2D, label: Tensor2D): Tensor1D {
  return tf.sum(tf.mul(logits, label), 1);
}

/**
 * The logits of the classes that are not the label: a softmax gives the label's column the probability 0, and the others theirs among
 * themselves. No gradient flows into the label's column.
 * @param label [rows, classes], one-hot
 */
export function otherLogits({ tf }: Ops, logits: Tensor2D, label: Tensor2D): Tensor2D {
  return tf.add(tf.mul(logits, tf.sub(1, label)), tf.mul(label, EXCLUDED));
}
