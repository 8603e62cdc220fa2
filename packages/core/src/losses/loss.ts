import type * as engine from '@trikd/engine';
import type { Scalar, Tensor1D, Tensor2D } from '@trikd/engine';
import { z } from 'zod';

/**
 * The tensor operations that losses are written with. They are an argument, not an import: the knobs of a loss are part of a run's spec,
 * and who only reads specs must not load TensorFlow.
 */
export type Ops = Pick<typeof engine, 'tf' | 'softmaxCrossEntropy'>;

/** What a distillation loss is computed from. */
export interface LossInputs {
  /** [rows, classes], of the model that learns. */
  readonly logits: Tensor2D;
  /** [rows, classes], of the model that is imitated. A constant: no gradient flows into it. */
  readonly target: Tensor2D;
  /** [rows], int32. */
  readonly labels: Tensor1D;
  /** T of the term, above 0. */
  readonly temperature: Scalar;
  readonly ops: Ops;
}

/** A distillation loss as the registry keeps it. */
export interface DistillationLoss<Kind extends string, Schema extends z.ZodType> {
  readonly kind: Kind;
  /** The knobs, with the defaults that were published. */
  readonly schema: Schema;
  /** Whether it treats the label of a row apart from the other classes: rows with two labels have none such. */
  readonly needsLabel: boolean;
  /**
   * Whether it compares the rows of a batch with each other. Then it is not the mean of the losses of parts of the batch.
   * @param spec what the schema accepts
   */
  comparesRows(spec: unknown): boolean;
  /**
   * The loss before the weight of its term: sum over classes and mean over the batch, unless its file says otherwise.
   * @param spec what the schema accepts
   */
  value(inputs: LossInputs, spec: unknown): Scalar;
}

/** Defines a distillation loss: its name, its knobs, and its value for them. */
export function defineLoss<Kind extends string, Schema extends z.ZodType<{ readonly kind: Kind }>>(loss: {
  readonly kind: Kind;
  readonly schema: Schema;
  readonly needsLabel?: boolean;
  comparesRows?(spec: z.output<Schema>): boolean;
  value(inputs: LossInputs & { readonly spec: z.output<Schema> }): Scalar;
}): DistillationLoss<Kind, Schema> {
  const { kind, schema, needsLabel = false } = loss;
  return {
    ...{ kind, schema, needsLabel },
    comparesRows: (spec) => loss.comparesRows?.(schema.parse(spec)) ?? false,
    value: (inputs, spec) => loss.value({ ...inputs, spec: schema.parse(spec) }),
  };
}

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

/** The knob of a loss that can compare standardised logits. */
export const standardise = z
  .boolean()
  .default(false)
  .describe('compares logits of mean 0 and deviation 1 in each row (Sun et al. 2024, arXiv 2403.01427, with T = 2)');

/** Added to the variance of a row: the square of the 1e-7 that the paper's code adds to the deviation. */
const LEAST_VARIANCE = 1e-14;

/** The logits that a loss compares: as they are, or both standardised. */
export function compared({
  logits,
  target,
  ops,
  spec,
}: LossInputs & { readonly spec: { readonly standardise: boolean } }): Pick<LossInputs, 'logits' | 'target'> {
  return spec.standardise
    ? { logits: standardised(ops, logits), target: standardised(ops, target) }
    : { logits, target };
}

/**
 * (z - mean) / deviation of each row, with the unbiased deviation (Sun et al. 2024, arXiv 2403.01427). The published code adds 1e-7 to the
 * deviation; its square added to the variance is the same to rounding, and has a finite derivative for a row of equal logits. Of two
 * classes only their order remains.
 */
function standardised({ tf }: Ops, logits: Tensor2D): Tensor2D {
  const centred = tf.sub(logits, tf.mean(logits, 1, true));
  const variance = tf.div(tf.sum(tf.square(centred), 1, true), logits.shape[1] - 1);
  return tf.div(centred, tf.sqrt(tf.add(variance, LEAST_VARIANCE)));
}

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
