import type { Tensor } from '@tensorflow/tfjs';

/** Random tensors for layers, float32. Each call draws new numbers. */
export interface Draws {
  /** Uniform over [0, 1). */
  uniform(shape: readonly number[]): Tensor;
  /** Normal with mean 0 and variance 1. */
  normal(shape: readonly number[]): Tensor;
}
