import { z } from 'zod';

const threshold = z
  .number()
  .min(-1)
  .max(1)
  .optional()
  .describe('the term rests in a step where the cosine of the two gradients is below it; default: 0');

/** When a distillation term rests for a step: while its gradient points away from that of the task terms. */
export const GateSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('params-similarity')
      .describe('compares the gradients by all params with those of the task terms (SCKD): one more backward pass'),
    threshold,
  }),
  z.strictObject({
    kind: z.literal('logits-similarity').describe('compares the gradients by the logits; no further backward pass'),
    threshold,
  }),
]);
export type GateSpec = z.infer<typeof GateSpec>;
