import { type Scalar, type Tensor, tf } from '@trikd/engine';
import type { GateSpec } from '../spec/term-spec.js';

/** Keeps the cosine of a gradient that is zero at 0; the product of two norms of float32 is otherwise larger. */
const SMALLEST_PRODUCT = 1e-30;

/**
 * Whether a distillation term takes part in a step: 1 where cos(task, hint) >= threshold, else 0. With the gradients by all params it
 * is the gate of Student Customized Knowledge Distillation (Zhu & Wang, ICCV 2021), whose threshold φ is 0 in the paper; whole params,
 * `>=` and one decision for a batch are this project's reading of it. A gradient of zero has the cosine 0.
 * @param task gradient of the task terms, in any number of tensors
 * @param hint gradient of the distillation term, in the same tensors
 */
export function gate(task: readonly Tensor[], hint: readonly Tensor[], { threshold = 0 }: GateSpec): Scalar {
  return tf.cast(tf.greaterEqual(cosine(task, hint), threshold), 'float32');
}

/** The cosine of two vectors that are divided into tensors. Rounding does not take it out of -1..1. */
export function cosine(a: readonly Tensor[], b: readonly Tensor[]): Scalar {
  const norms = tf.mul(tf.sqrt(dot(a, a)), tf.sqrt(dot(b, b)));
  return tf.clipByValue(tf.div(dot(a, b), tf.maximum(norms, SMALLEST_PRODUCT)), -1, 1);
}

function dot(a: readonly Tensor[], b: readonly Tensor[]): Scalar {
  return tf.addN(a.map((each, index) => tf.sum(tf.mul(each, b[index]!)))) as Scalar;
}
