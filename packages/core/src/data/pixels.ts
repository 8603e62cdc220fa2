import { type ImageShape, imageBytes } from './image-source.js';

/** A decoded picture: red, green, blue and alpha of each pixel, row by row, 0..255. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly rgba: Uint8Array;
}

/** The pixels of a picture on a white ground, HWC. Grey is the luma. */
export function onWhite({ height, width, rgba }: Picture, channels: number): Uint8Array {
  const pixels = new Uint8Array(height * width * channels);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += channels) {
    const alpha = rgba[from + 3]!;
    const red = over(rgba[from]!, alpha);
    const green = over(rgba[from + 1]!, alpha);
    const blue = over(rgba[from + 2]!, alpha);
    if (channels === 1) {
      pixels[to] = lumaOf(red, green, blue);
    } else {
      pixels[to] = red;
      pixels[to + 1] = green;
      pixels[to + 2] = blue;
    }
  }
  return pixels;
}

/** The luma of ITU-R BT.601, rounded as in Pillow. */
export function lumaOf(red: number, green: number, blue: number): number {
  return (red * 19_595 + green * 38_470 + blue * 7471 + 0x8000) >> 16;
}

function over(value: number, alpha: number): number {
  return alpha === 255 ? value : Math.round((value * alpha + 255 * (255 - alpha)) / 255);
}

/** Which positions of an axis each new position is made of, and how much of each. */
interface Sample {
  readonly first: number;
  /** Their sum is 1. */
  readonly weights: readonly number[];
}

/**
 * Scales pixels, each axis on its own: the mean of the area that a new pixel covers where an axis gets shorter, bilinear between the
 * centres of pixels where it gets longer. Sums of products in a fixed order: the same on every machine.
 * @param pixels height x width x channels
 */
export function scaled(pixels: Uint8Array, from: ImageShape, to: Pick<ImageShape, 'height' | 'width'>): Uint8Array {
  if (from.height === to.height && from.width === to.width) return pixels;
  const { channels } = from;
  const output = new Uint8Array(imageBytes({ ...to, channels }));
  const columns = samplesOf(from.width, to.width);
  const length = to.width * channels;
  const sum = new Float64Array(length);
  const rowOf = scaledRows(pixels, from, columns);
  for (const [y, { first, weights }] of samplesOf(from.height, to.height).entries()) {
    sum.fill(0);
    for (const [i, weight] of weights.entries()) {
      const row = rowOf(first + i);
      for (let x = 0; x < length; x++) sum[x]! += weight * row[x]!;
    }
    for (let x = 0; x < length; x++) output[y * length + x] = Math.round(sum[x]!);
  }
  return output;
}

/** Rows that are scaled along their width, on demand. The latest two are kept: neighbours share them. */
function scaledRows(
  pixels: Uint8Array,
  { width, channels }: ImageShape,
  columns: readonly Sample[],
): (y: number) => Float64Array {
  const kept = [0, 1].map(() => ({ y: -1, row: new Float64Array(columns.length * channels) }));
  return (y) => {
    const slot = kept[y % 2]!;
    if (slot.y === y) return slot.row;
    slot.y = y;
    for (const [x, { first, weights }] of columns.entries()) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        let at = (y * width + first) * channels + channel;
        for (const weight of weights) {
          sum += weight * pixels[at]!;
          at += channels;
        }
        slot.row[x * channels + channel] = sum;
      }
    }
    return slot.row;
  };
}

function samplesOf(from: number, to: number): readonly Sample[] {
  return Array.from({ length: to }, (_, at) => (to < from ? meanOf(at, from, to) : betweenAt(at, from, to)));
}

/** The share of each position in the area from `at` to `at + 1`. Whole numbers of 1 / to: exact. */
function meanOf(at: number, from: number, to: number): Sample {
  const [begin, end] = [at * from, (at + 1) * from];
  const first = Math.floor(begin / to);
  const last = Math.ceil(end / to);
  const weights = Array.from({ length: last - first }, (_, i) => {
    const covered = Math.min(end, (first + i + 1) * to) - Math.max(begin, (first + i) * to);
    return covered / from;
  });
  return { first, weights };
}

function betweenAt(at: number, from: number, to: number): Sample {
  const centre = Math.min(from - 1, Math.max(0, ((at + 0.5) * from) / to - 0.5));
  const first = Math.floor(centre);
  const after = centre - first;
  return { first, weights: after === 0 ? [1] : [1 - after, after] };
}
