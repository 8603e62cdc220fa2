import { type ImageShape, imageBytes } from './image-source.js';

/** The augmentation of one image at one step. */
export interface Augmentation {
  /** Rows by which the image moves up, negative for down. Pixels from outside are 0. */
  readonly up: number;
  /** Columns by which the image moves left. */
  readonly left: number;
  /** Mirrors the image left-right, after the move. */
  readonly flip: boolean;
  /** A square that is set to 0 after the flip, clipped at the border. Side 0 disables it. */
  readonly cutout: { readonly centerY: number; readonly centerX: number; readonly side: number };
}

/** The augmentation that changes nothing. */
export const UNCHANGED: Augmentation = { up: 0, left: 0, flip: false, cutout: { centerY: 0, centerX: 0, side: 0 } };

/** Writes the augmented image into `output`. Both hold one image of `shape`, HWC, and must not overlap. */
export function applyAugmentation(
  augmentation: Augmentation,
  shape: ImageShape,
  { input, output }: { readonly input: Uint8Array; readonly output: Uint8Array },
): void {
  const { height, width, channels } = shape;
  const { up, left, flip } = augmentation;
  if (up === 0 && left === 0 && !flip) {
    output.set(input);
  } else {
    output.fill(0, 0, imageBytes(shape));
    // Only the part that stays inside is visited, so the inner loop has no branches.
    const [firstX, endX] = [Math.max(0, -left), Math.min(width, width - left)];
    for (let y = Math.max(0, -up); y < Math.min(height, height - up); y++) {
      let from = ((y + up) * width + firstX + left) * channels;
      let to = (y * width + (flip ? width - 1 - firstX : firstX)) * channels;
      const back = flip ? -2 * channels : 0;
      for (let x = firstX; x < endX; x++) {
        for (let channel = 0; channel < channels; channel++) output[to++] = input[from++]!;
        to += back;
      }
    }
  }
  blank(augmentation.cutout, shape, output);
}

function blank(
  { centerY, centerX, side }: Augmentation['cutout'],
  { height, width, channels }: ImageShape,
  output: Uint8Array,
): void {
  const top = centerY - Math.floor(side / 2);
  const begin = centerX - Math.floor(side / 2);
  for (let y = Math.max(0, top); y < Math.min(height, top + side); y++) {
    const row = y * width;
    output.fill(0, (row + Math.max(0, begin)) * channels, (row + Math.min(width, begin + side)) * channels);
  }
}
