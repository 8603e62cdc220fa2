import type { Scalar, Tensor2D } from '@trikd/engine';
import { z } from 'zod';
import { Amount, PositiveAmount } from '../spec/fields.js';
import { compared, defineLoss, distillationLoss, type Ops, standardise } from './loss.js';

/** Temperatures at most. */
const MOST_SCALES = 16;

/**
 * Multi-level logit distillation (Jin et al., CVPR 2023), its form for one view of an image. With probabilities P, Q of [rows, classes] at
 * temperature τ, sum over τ of
 *
 *     τ² · KL(Q ‖ P) + classes · ‖PᵀP - QᵀQ‖² / C + batch · ‖PPᵀ - QQᵀ‖² / B
 *
 * for B rows and C classes. The published method has a second, strongly augmented view of each image, and ignores rows and classes of which the
 * target is most certain; this has neither. With T = 4 the temperatures are the published ones, 2, 3, 4, 5 and 6. Standardised
 * logits (Sun et al. 2024) are used in the divergence alone, as in their code.
 */
export const mlkd = defineLoss({
  kind: 'mlkd',
  schema: z.strictObject({
    kind: z
      .literal('mlkd')
      .describe('several temperatures, relations of classes and of rows; one view (Jin et al. 2023)'),
    scales: z
      .array(PositiveAmount)
      .min(1)
      .max(MOST_SCALES)
      .default([0.5, 0.75, 1, 1.25, 1.5])
      .describe('temperatures, as multiples of T'),
    classes: Amount.default(1).describe('of the part that compares relations of classes'),
    batch: Amount.default(1).describe('of the part that compares relations of rows'),
    standardise,
  }),
  comparesRows: ({ classes, batch }) => classes > 0 || batch > 0,
  value(inputs) {
    const { temperature, spec, ops } = inputs;
    const { tf } = ops;
    const { logits, target } = compared(inputs);
    const at = (scale: number): Scalar => {
      const scaled: Scalar = tf.mul(temperature, scale);
      const own: Tensor2D = tf.softmax(tf.div(inputs.logits, scaled));
      const wanted: Tensor2D = tf.softmax(tf.div(inputs.target, scaled));
      const classes = tf.mul(spec.classes, relations(ops, own, wanted, 'classes'));
      const batch = tf.mul(spec.batch, relations(ops, own, wanted, 'rows'));
      return tf.addN([distillationLoss(ops, logits, target, scaled), classes, batch]) as Scalar;
    };
    return tf.addN(spec.scales.map(at)) as Scalar;
  },
});

/**
 * Squared difference of the Gram matrices of two sets of classes or rows, divided by their number. ‖PᵀP - QᵀQ‖² is
 * ‖PPᵀ‖² - 2 ‖PQᵀ‖² + ‖QQᵀ‖², and the reverse: no matrix is larger than [n, n] for the smaller n of rows and classes.
 */
function relations({ tf }: Ops, own: Tensor2D, wanted: Tensor2D, of: 'classes' | 'rows'): Scalar {
  const [rows, classes] = own.shape;
  const smaller = rows < classes ? 'rows' : 'classes';
  const products = (a: Tensor2D, b: Tensor2D): Tensor2D => tf.matMul(a, b, smaller === 'classes', smaller === 'rows');
  const squares = (matrix: Tensor2D): Scalar => tf.sum(tf.square(matrix));
  const apart =
    smaller === of
      ? squares(tf.sub(products(own, own), products(wanted, wanted)))
      : tf.sub(
          tf.add(squares(products(own, own)), squares(products(wanted, wanted))),
          tf.mul(squares(products(own, wanted)), 2),
        );
  return tf.div(apart, of === 'classes' ? classes : rows);
}
