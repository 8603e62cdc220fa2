import { z } from 'zod';
import { compared, defineLoss, distillationLoss, standardise } from './loss.js';

/** The default: T² · KL(target ‖ own), of standardised logits if asked (Hinton et al. 2015; Sun et al. 2024). */
export const kl = defineLoss({
  kind: 'kl',
  schema: z.strictObject({
    kind: z.literal('kl').describe('T² · KL(target ‖ own) (Hinton et al. 2015), the default'),
    standardise,
  }),
  value(inputs) {
    const { logits, target } = compared(inputs);
    return distillationLoss(inputs.ops, logits, target, inputs.temperature);
  },
});
