import type { Scalar, Tensor2D } from '@trikd/engine';
import { z } from 'zod';
import { Amount } from '../spec/fields.js';
import { defineLoss, type Ops } from './loss.js';

/**
 * Added to each sum of squares. It is far above what rounding in float32 leaves of a constant row or column, which so has the correlation
 * 0 and a finite gradient. The published code adds 1e-8 to the product of the two norms, which changes small norms more.
 */
const LEAST_SQUARES = 1e-10;

/**
 * DIST (Huang et al. 2022, arXiv 2205.10536), with probabilities p and q at temperature T:
 *
 *     T² · (beta · (1 - mean over rows of ρ(p_b, q_b)) + gamma · (1 - mean over classes of ρ(p_·c, q_·c)))
 *
 * where ρ is Pearson's correlation: of the classes of one example, and of the examples of one class. It asks for linear relations, not
 * for equal probabilities. The code was published with T = 1, the runs on CIFAR-100 with T = 4 and a weight of 2. The correlation of
 * a constant is 0: a batch of one row leaves the constant gamma · T² of the second part, and in two classes the first sees only their order.
 */
export const dist = defineLoss({
  kind: 'dist',
  schema: z.strictObject({
    kind: z
      .literal('dist')
      .describe('correlations of rows and of columns; published with T = 1 and 4 (Huang et al. 2022)'),
    beta: Amount.default(1).describe('of the correlations between the classes of an example'),
    gamma: Amount.default(1).describe('of the correlations between the examples of a class'),
  }),
  comparesRows: ({ gamma }) => gamma > 0,
  value({ logits, target, temperature, spec, ops }) {
    const { tf } = ops;
    const own: Tensor2D = tf.softmax(tf.div(logits, temperature));
    const wanted: Tensor2D = tf.softmax(tf.div(target, temperature));
    const rows = tf.mul(spec.beta, tf.sub(1, correlation(ops, own, wanted, 1)));
    const columns = tf.mul(spec.gamma, tf.sub(1, correlation(ops, own, wanted, 0)));
    return tf.mul(tf.square(temperature), tf.add(rows, columns));
  },
});

/** Pearson's correlation along an axis, mean over the other. */
function correlation({ tf }: Ops, a: Tensor2D, b: Tensor2D, axis: 0 | 1): Scalar {
  const centred = (x: Tensor2D) => tf.sub(x, tf.mean(x, axis, true));
  const norm = (x: Tensor2D) => tf.sqrt(tf.add(tf.sum(tf.square(x), axis), LEAST_SQUARES));
  const [u, v] = [centred(a) as Tensor2D, centred(b) as Tensor2D];
  return tf.mean(tf.div(tf.sum(tf.mul(u, v), axis), tf.mul(norm(u), norm(v))));
}
