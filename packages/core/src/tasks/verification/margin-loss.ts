import type { Scalar, Tensor1D, Tensor2D } from '@trikd/engine';
import type { Ops } from '../../losses/loss.js';
import { taskLoss } from '../../losses/task-loss.js';
import type { MarginSpec } from './margin-spec.js';

/**
 * Largest cosine, in size, that the angle is computed from. The derivative of the angle is infinite at 1. Published codes clamp as
 * much: a row beyond has a gradient of 0 through its own class, and one within at most 2,048 sin m.
 */
const LARGEST_COSINE = 1 - 1e-7;

/**
 * Cross-entropy of the logits with a margin, mean over the batch, in nats. The margin makes the task harder than it is: logits that
 * leave the model, and those of validation, have none.
 * @param logits [rows, classes], s · cos θ with the scale s of the spec
 * @param labels [rows], int32
 */
export function marginLoss(ops: Ops, logits: Tensor2D, labels: Tensor1D, spec: MarginSpec): Scalar {
  return taskLoss(ops, withMargin(ops, logits, labels, spec), labels);
}

/** The logits, of which that of the label is lowered by the margin. */
export function withMargin(ops: Pick<Ops, 'tf'>, logits: Tensor2D, labels: Tensor1D, spec: MarginSpec): Tensor2D {
  const { tf } = ops;
  if (spec.kind === 'softmax') return logits;
  const own = tf.cast(tf.oneHot(labels, logits.shape[1]), 'float32') as Tensor2D;
  if (spec.kind === 'cosface') return tf.sub(logits, tf.mul(own, spec.scale * spec.margin));
  const cosines = tf.div(tf.sum(tf.mul(logits, own), 1), spec.scale) as Tensor1D;
  const lowered = tf.mul(angularMargin(ops, cosines, spec.margin), spec.scale);
  return tf.add(tf.mul(logits, tf.sub(1, own)), tf.mul(tf.expandDims(lowered, 1), own));
}

/**
 * cos(θ + m) from cos θ. Where θ + m is more than π the cosine would rise again: there it goes on as cos θ - m sin m, as in the code
 * of the authors.
 */
function angularMargin({ tf }: Pick<Ops, 'tf'>, cosines: Tensor1D, margin: number): Tensor1D {
  const cosine = tf.clipByValue(cosines, -LARGEST_COSINE, LARGEST_COSINE);
  // Not 1 - cos²: near 1 its rounding error would be as large as itself.
  const sine = tf.sqrt(tf.mul(tf.sub(1, cosine), tf.add(1, cosine)));
  const moved = tf.sub(tf.mul(cosine, Math.cos(margin)), tf.mul(sine, Math.sin(margin)));
  const beyond = tf.sub(cosines, margin * Math.sin(margin));
  // Not `where`: tfjs asks for a gradient of its condition. Both are finite, so that a factor of 0 takes either away.
  const within = tf.step(tf.sub(cosines, Math.cos(Math.PI - margin)));
  return tf.add(tf.mul(within, moved), tf.mul(tf.sub(1, within), beyond));
}
