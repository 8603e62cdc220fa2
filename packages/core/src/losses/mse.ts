import { z } from 'zod';
import { defineLoss } from './loss.js';

/**
 * (logits - target)², mean over classes and batch (Kim et al. 2021, arXiv 2105.08919). Their equation sums over classes, ‖z - t‖²; the numbers of
 * their paper come from code that takes the mean, and so does this. Times T² and of logits divided by T it is the same, so the
 * temperature has no effect. Half of it is the limit of `kl` for a large T, for logits of mean 0.
 */
export const mse = defineLoss({
  kind: 'mse',
  schema: z.strictObject({
    kind: z
      .literal('mse')
      .describe('squared difference of logits, mean over classes; without temperature (Kim et al. 2021)'),
  }),
  value: ({ logits, target, ops: { tf } }) => tf.mean(tf.square(tf.sub(logits, target))),
});
