import { type Scalar, tf } from '@trikd/engine';
import type { LearnedTemperatureSpec } from '../spec/term-spec.js';

/** θ at the start, as published: T starts from 15.6 with the published range. */
export const INITIAL_THETA = 1;

/**
 * The temperature of Curriculum Temperature for Knowledge Distillation (Li et al., AAAI 2023, arXiv:2211.16231), in its global form:
 * T = from + range · sigmoid(θ). θ is one number, which climbs the distillation loss while the params descend it.
 */
export function learnedTemperature(theta: Scalar, { from = 1, range = 20 }: LearnedTemperatureSpec): Scalar {
  return tf.add(tf.mul(tf.sigmoid(theta), range), from);
}

/**
 * By how much the gradient of θ is reversed: λ in θ += λ · rate · dL/dθ. It rises on half a cosine over the epochs of the ramp and then
 * stays at 1. As in the authors' code it is one number for an epoch, and epochs count from 1: the first moves θ already.
 * @param epoch from 0
 */
export function reversalAt({ rampEpochs = 10 }: LearnedTemperatureSpec, epoch: number): number {
  return (1 - Math.cos(Math.PI * Math.min(1, (epoch + 1) / rampEpochs))) / 2;
}
