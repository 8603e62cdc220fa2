import { z } from 'zod';
import { applyAugmentation, UNCHANGED } from '../geometry.js';
import { defineAugmentation } from './augmentation.js';

/** Mirrors half of the images left-right (Krizhevsky et al. 2012). */
export const flip = defineAugmentation({
  kind: 'flip',
  schema: z.strictObject({
    kind: z.literal('flip').describe('mirrored left-right with probability 1/2 (Krizhevsky et al. 2012)'),
  }),
  apply({ pixels, shape, draws }) {
    if (draws.below(2) === 0) return pixels;
    const output = new Uint8Array(pixels.length);
    applyAugmentation({ ...UNCHANGED, flip: true }, shape, { input: pixels, output });
    return output;
  },
});
