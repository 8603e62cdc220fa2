import type { Sheet } from '@trikd/core/data/picture-sheet';
// biome-ignore lint/correctness/noUnresolvedImports: it has no types of its own, and Biome does not see ours
import { PNG } from 'pngjs';

/** RGB without alpha, in pngjs and in PNG. */
const COLOUR = 2;

/** A picture as a PNG file. */
export function encodePng({ height, width, rgb }: Sheet): Buffer {
  const data = Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength);
  return PNG.sync.write({ height, width, data }, { colorType: COLOUR, inputColorType: COLOUR, inputHasAlpha: false });
}
