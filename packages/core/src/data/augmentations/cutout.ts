import { z } from 'zod';
import { Size } from '../../spec/fields.js';
import { applyAugmentation, UNCHANGED } from '../geometry.js';
import { defineAugmentation } from './augmentation.js';

/** Sets a square around a uniform centre to 0, clipped at the border (DeVries & Taylor 2017, arXiv 1708.04552). */
export const cutout = defineAugmentation({
  kind: 'cutout',
  schema: z.strictObject({
    kind: z.literal('cutout').describe('a square around a uniform centre set to 0 (DeVries & Taylor 2017)'),
    size: Size.default(8).describe('its side in pixels'),
  }),
  apply({ pixels, shape, draws, spec }) {
    const square = { centerY: draws.below(shape.height), centerX: draws.below(shape.width), side: spec.size };
    const output = new Uint8Array(pixels.length);
    applyAugmentation({ ...UNCHANGED, cutout: square }, shape, { input: pixels, output });
    return output;
  },
});
