import { z } from 'zod';
import { Size } from '../../spec/fields.js';
import { applyAugmentation, UNCHANGED } from '../geometry.js';
import { defineAugmentation } from './augmentation.js';

/** A random crop of the image with a border of zeros (He et al. 2016, arXiv 1512.03385, section 4.2). */
export const crop = defineAugmentation({
  kind: 'crop',
  schema: z.strictObject({
    kind: z.literal('crop').describe('a random crop of the image with a border of zeros (He et al. 2016)'),
    padding: Size.default(4).describe('pixels of the border'),
  }),
  apply({ pixels, shape, draws, spec: { padding } }) {
    const move = () => draws.below(2 * padding + 1) - padding;
    const output = new Uint8Array(pixels.length);
    applyAugmentation({ ...UNCHANGED, up: move(), left: move() }, shape, { input: pixels, output });
    return output;
  },
});
