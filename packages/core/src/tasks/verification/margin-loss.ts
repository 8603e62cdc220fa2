import type { Scalar, Tensor1D, Tensor2D } from '@trikd/engine';
import { z } from 'zod';
import { type Ops, taskLoss } from '../../losses/loss.js';
import { PositiveAmount } from '../../spec/fields.js';
import type { ChanceLoss } from '../task.js';

const scale = PositiveAmount.default(64).describe(
  's, the length to which embeddings are scaled. 64 suits thousands of identities. n identities need at least ln(9 (n - 1)) to be told apart with probability 0.9: 7 for 100, 9 for 1,000; two or three times as much trains well',
);

/** The task loss of verification: softmax on s · cos θ, with a margin that only the right identity has to overcome. */
export const MarginSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('arcface').describe('additive angular margin, s · cos(θ + m) (Deng et al. 2019)'),
    margin: z
      .number()
      .min(0)
      .max(Math.PI / 2)
      .default(0.5)
      .describe('m, in radians'),
    scale,
  }),
  z.strictObject({
    kind: z.literal('cosface').describe('additive cosine margin, s · (cos θ - m) (Wang et al. 2018)'),
    margin: z.number().min(0).max(1).default(0.35).describe('m'),
    scale,
  }),
  z.strictObject({
    kind: z.literal('softmax').describe('normalised softmax, s · cos θ, without a margin (Wang et al. 2017)'),
    scale,
  }),
]);
export type MarginSpec = z.infer<typeof MarginSpec>;

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

/**
 * The loss of a model whose embeddings are at a right angle to the weights of all identities: all logits are 0, but that of the label,
 * which the margin lowers.
 */
export function chanceLoss(spec: MarginSpec, classes: number): ChanceLoss {
  const lowered = spec.scale * loweredBy(spec);
  const nats = lowered + Math.log(Math.exp(-lowered) + classes - 1);
  const formula = lowered === 0 ? `ln(${classes})` : `ln(1 + ${classes - 1} e^${lowered.toFixed(2)})`;
  return { nats, formula };
}

/** How much the margin takes from a cosine of 0. */
function loweredBy(spec: MarginSpec): number {
  switch (spec.kind) {
    case 'softmax':
      return 0;
    case 'cosface':
      return spec.margin;
    case 'arcface':
      return Math.sin(spec.margin);
  }
}
