import { z } from 'zod';
import { defineMix } from './augmentation.js';
import { drawBeta, mixSettings } from './mixing.js';

/** mixup (Zhang et al. 2018, arXiv 1710.09412): the weighted mean of two images, rounded to 0..255, and of their labels. */
export const mixup = defineMix({
  kind: 'mixup',
  schema: z.strictObject({
    kind: z.literal('mixup').describe('the weighted mean of two images, and of their labels (Zhang et al. 2018)'),
    ...mixSettings,
  }),
  mix({ pixels, other, draws, spec }) {
    const share = Math.fround(drawBeta(draws, spec.alpha));
    const mixed = pixels.map((value, at) => Math.round(share * value + (1 - share) * other[at]!));
    return { pixels: mixed, share };
  },
});
