import { z } from 'zod';
import { defineAugmentation } from './augmentation.js';
import { brightened, contrasted, saturated } from './colour.js';

/** Factors are between 0 and 2. */
const Strength = z.number().min(0).max(1).default(0.4);

/**
 * Changes brightness, contrast and saturation, in this order, each by a factor from 1 - strength to 1 + strength (Howard 2013,
 * arXiv 1312.5402, where the order is random).
 */
export const colourJitter = defineAugmentation({
  kind: 'colour-jitter',
  schema: z.strictObject({
    kind: z
      .literal('colour-jitter')
      .describe('brightness, contrast and saturation changed by random factors (Howard 2013)'),
    brightness: Strength.describe('factors from 1 less this to 1 more this'),
    contrast: Strength.describe('likewise'),
    saturation: Strength.describe('likewise; images without 3 channels have none'),
  }),
  apply({ pixels, shape: { channels }, draws, spec }) {
    const factor = (strength: number) => 1 + strength * (2 * draws.uniform() - 1);
    const bright = brightened({ pixels, channels }, factor(spec.brightness));
    const contrast = contrasted({ pixels: bright, channels }, factor(spec.contrast));
    return saturated({ pixels: contrast, channels }, factor(spec.saturation));
  },
});
