import { z } from 'zod';
import { defineMix } from './augmentation.js';
import { drawBeta, mixSettings } from './mixing.js';

/**
 * CutMix (Yun et al. 2019, arXiv 1905.04899): a rectangle of another image in the place of the own pixels. Its centre is uniform, it has the
 * proportions of the image, and what lies outside is cut off. The share of a label is that of the pixels that are left.
 */
export const cutmix = defineMix({
  kind: 'cutmix',
  schema: z.strictObject({
    kind: z
      .literal('cutmix')
      .describe('a rectangle of another image, and a share of its label by area (Yun et al. 2019)'),
    ...mixSettings,
  }),
  mix({ pixels, other, shape: { height, width, channels }, draws, spec }) {
    const side = Math.sqrt(1 - drawBeta(draws, spec.alpha));
    const rows = extent(draws.below(height), Math.floor(height * side), height);
    const columns = extent(draws.below(width), Math.floor(width * side), width);
    const mixed = pixels.slice();
    for (let y = rows.begin; y < rows.end; y++) {
      const [begin, end] = [(y * width + columns.begin) * channels, (y * width + columns.end) * channels];
      mixed.set(other.subarray(begin, end), begin);
    }
    const taken = (rows.end - rows.begin) * (columns.end - columns.begin);
    return { pixels: mixed, share: Math.fround(1 - taken / (height * width)) };
  },
});

function extent(centre: number, length: number, size: number): { readonly begin: number; readonly end: number } {
  const half = Math.floor(length / 2);
  return { begin: Math.max(0, centre - half), end: Math.min(size, centre + half) };
}
