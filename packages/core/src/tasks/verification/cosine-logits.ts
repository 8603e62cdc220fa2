import { type Tensor, type Tensor2D, tf } from '@trikd/engine';

/** Least square of a length that vectors are divided by: a vector of length 0 stays 0, and its gradient finite. */
const LEAST_SQUARE = 1e-12;

/**
 * scale · cos θ for the angle θ between an embedding and the weight of each class: the logits of normalised softmax (Wang et al. 2017),
 * on which models are compared, distilled and, with a margin, trained.
 * @param embeddings [rows, dimension]
 * @param kernel [dimension, classes]
 */
export function cosineLogits(embeddings: Tensor2D, kernel: Tensor2D, scale: number): Tensor2D {
  const cosines = tf.matMul(unitVectors(embeddings, 1) as Tensor2D, unitVectors(kernel, 0) as Tensor2D);
  return tf.mul(cosines, scale);
}

/** Vectors along one axis, each divided by its length. */
export function unitVectors(vectors: Tensor, axis: number): Tensor {
  const squares = tf.sum(tf.square(vectors), axis, true);
  return tf.mul(vectors, tf.rsqrt(tf.maximum(squares, LEAST_SQUARE)));
}
