import type { Scalar, Tensor1D, Tensor2D } from '@trikd/engine';
import { oneHot } from './label-columns.js';
import type { Ops } from './loss.js';

/** The labels that are mixed into those of the rows. */
export interface MixTensors {
  /** [rows], int32. */
  readonly labels: Tensor1D;
  /** [rows], of the rows' own labels, 0..1. */
  readonly shares: Tensor1D;
}

/**
 * Cross-entropy with the labels, -ln softmax(logits)[label], mean over the batch, in nats. Always at temperature 1.
 * @param logits [rows, classes]
 * @param labels [rows], int32
 * @param mix a row then has two labels, each with a share of the probability
 */
export function taskLoss(ops: Ops, logits: Tensor2D, labels: Tensor1D, mix?: MixTensors): Scalar {
  const { tf, softmaxCrossEntropy } = ops;
  return tf.mean(softmaxCrossEntropy(targetsOf(ops, labels, logits.shape[1], mix), logits));
}

function targetsOf(ops: Ops, labels: Tensor1D, classes: number, mix: MixTensors | undefined): Tensor2D {
  const own = oneHot(ops, labels, classes);
  if (!mix) return own;
  const { tf } = ops;
  const shares = tf.expandDims(mix.shares, 1);
  return tf.add(tf.mul(own, shares), tf.mul(oneHot(ops, mix.labels, classes), tf.sub(1, shares)));
}
