import type { Tensor2D } from '@trikd/engine';
import { z } from 'zod';
import type { LossInputs, Ops } from './loss.js';

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
