import { z } from 'zod';
import { defineAugmentation } from './augmentation.js';
import { OPERATIONS, STRONGEST } from './rand-augment-operations.js';

/** Operations on one image, at most. */
const MOST_OPERATIONS = 16;

/**
 * RandAugment (Cubuk et al. 2020, arXiv 1909.13719): some operations, each drawn uniformly from 14 and all of one magnitude. What a
 * magnitude is to each operation, and the default, are those of torchvision.
 */
export const randAugment = defineAugmentation({
  kind: 'rand-augment',
  schema: z.strictObject({
    kind: z.literal('rand-augment').describe('operations drawn from 14, all of one magnitude (Cubuk et al. 2020)'),
    operations: z.int().min(1).max(MOST_OPERATIONS).default(2).describe('on each image, one after the other'),
    magnitude: z.number().min(0).max(STRONGEST).default(9).describe('how strong they are'),
  }),
  apply({ pixels, shape, draws, spec }) {
    let output = pixels;
    for (let i = 0; i < spec.operations; i++) {
      const operation = OPERATIONS[draws.below(OPERATIONS.length)]!;
      // Drawn for each, so that every operation takes as many random numbers.
      const sign = draws.below(2) === 0 ? -1 : 1;
      output = operation(output, shape, { strength: spec.magnitude / STRONGEST, sign });
    }
    return output;
  },
});
