import type { Tensor2D } from '@trikd/engine';
import { z } from 'zod';
import { PositiveAmount } from '../spec/fields.js';
import { defineLoss, divergences, type LossInputs } from './loss.js';

/** The knob of both losses that transform the target alone. */
export const exponent = PositiveAmount.optional().describe(
  "power of the target's probabilities; default: 1 / T; published: 0.1 and 0.2",
);

/** The logits of the target's transformed probabilities: q^γ / Σ q^γ = softmax(γ · target). */
export function transformed({
  target,
  temperature,
  spec,
  ops: { tf },
}: Pick<LossInputs, 'target' | 'temperature' | 'ops'> & {
  readonly spec: { readonly exponent?: number | undefined };
}): Tensor2D {
  return spec.exponent === undefined ? tf.div(target, temperature) : tf.mul(target, spec.exponent);
}

/**
 * Transformed teacher matching (Zheng & Yang 2024, arXiv 2402.11148): KL(q^γ / Σ q^γ ‖ p), the probabilities p of the learner at temperature 1.
 * Sum over classes, mean over the batch, without T². The exponent γ is the 1 / T of a temperature that the target alone has. The
 * gradient per row is p - q^γ / Σ q^γ.
 */
export const ttm = defineLoss({
  kind: 'ttm',
  schema: z.strictObject({
    kind: z.literal('ttm').describe('KL from the target at temperature T to the learner at 1 (Zheng & Yang 2024)'),
    exponent,
  }),
  value: (inputs) => inputs.ops.tf.mean(divergences(inputs.ops, inputs.logits, transformed(inputs))),
});
