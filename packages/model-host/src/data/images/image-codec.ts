import type { Sheet } from '@trikd/core/data/picture-sheet';
import type { Picture } from '@trikd/core/data/pixels';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { decode as decodeJpeg } from 'jpeg-js';
// biome-ignore lint/correctness/noUnresolvedImports: it has no types of its own, and Biome does not see ours
import { PNG } from 'pngjs';
import { checkedPng, damaged, isJpeg, isPng, jpegOutline, type Outline, pngOutline } from './image-outline.js';

/** What a decoder may allocate: its own bounds are only the last, behind those of the outline. */
const JPEG_BOUNDS = { maxResolutionInMP: 32, maxMemoryUsageInMB: 1024 };

/** The size of a picture, by its header. @throws TrikdError 'invalid' for anything but a PNG or JPEG file that is decoded */
export function outlineOf(file: Buffer): Outline {
  if (isPng(file)) return pngOutline(file);
  if (isJpeg(file)) return jpegOutline(file);
  throw damaged('it is neither PNG nor JPEG');
}

/**
 * Decodes a PNG or JPEG file, whatever its name. What its header says is checked before anything is allocated.
 * @throws TrikdError 'invalid' for any other and for a damaged one
 */
export function decodeImage(file: Buffer): Picture {
  const outline = outlineOf(file);
  return decoded(outline, () => (isPng(file) ? PNG.sync.read(checkedPng(file)) : jpegPixels(file)));
}

function jpegPixels(file: Buffer) {
  return decodeJpeg(file, { useTArray: true, tolerantDecoding: false, ...JPEG_BOUNDS });
}

function decoded({ height, width }: Outline, decode: () => Outline & { readonly data: Uint8Array }): Picture {
  try {
    const found = decode();
    if (found.height === height && found.width === width) return { height, width, rgba: found.data };
  } catch (cause) {
    if (cause instanceof TrikdError) throw cause;
    // The decoders throw whatever a damaged file makes of them.
    throw new TrikdError('invalid', `it does not decode: ${messageOf(cause)}`, {}, { cause });
  }
  throw damaged('it decodes to another size than its header says');
}

/** RGB without alpha, in pngjs and in PNG. */
const COLOUR = 2;

/** A picture as a PNG file. */
export function encodePng({ height, width, rgb }: Sheet): Buffer {
  const data = Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength);
  return PNG.sync.write({ height, width, data }, { colorType: COLOUR, inputColorType: COLOUR, inputHasAlpha: false });
}
