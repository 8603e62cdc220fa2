import { z } from 'zod';
import type { ImageShape } from '../image-source.js';
import { defineAugmentation } from './augmentation.js';
import { brightened, clamped, contrasted, saturated } from './colour.js';

/** The largest magnitude. */
const STRONGEST = 30;

interface Magnitude {
  /** 0..1 */
  readonly strength: number;
  /** For operations that go in two directions. */
  readonly sign: -1 | 1;
}

type Operation = (pixels: Uint8Array, shape: ImageShape, magnitude: Magnitude) => Uint8Array;

/** At strength 1: the change of a factor, the shear, the angle in radians, and the move as a share of a side. */
const FACTOR = 0.9;
const SHEAR = 0.3;
const ANGLE = Math.PI / 6;
const MOVE = 150 / 331;

/** Bits that are taken away at strength 1. */
const BITS = 4;

/** The 14 operations. The order is part of the result: append only. */
export const OPERATIONS: readonly Operation[] = [
  (pixels) => pixels,
  (pixels, shape, { strength, sign }) => moved(pixels, shape, { xy: sign * SHEAR * strength }),
  (pixels, shape, { strength, sign }) => moved(pixels, shape, { yx: sign * SHEAR * strength }),
  (pixels, shape, { strength, sign }) => moved(pixels, shape, { x: Math.round(sign * MOVE * strength * shape.width) }),
  (pixels, shape, { strength, sign }) => moved(pixels, shape, { y: Math.round(sign * MOVE * strength * shape.height) }),
  (pixels, shape, { strength, sign }) => rotated(pixels, shape, sign * ANGLE * strength),
  (pixels, { channels }, magnitude) => brightened({ pixels, channels }, factorOf(magnitude)),
  (pixels, { channels }, magnitude) => saturated({ pixels, channels }, factorOf(magnitude)),
  (pixels, { channels }, magnitude) => contrasted({ pixels, channels }, factorOf(magnitude)),
  (pixels, shape, magnitude) => sharpened(pixels, shape, factorOf(magnitude)),
  (pixels, _, { strength }) => posterized(pixels, 8 - Math.round(BITS * strength)),
  (pixels, _, { strength }) => pixels.map((value) => (value >= 255 * (1 - strength) ? 255 - value : value)),
  (pixels, { channels }) => byChannel(pixels, channels, stretched),
  (pixels, { channels }) => byChannel(pixels, channels, equalized),
];

function factorOf({ strength, sign }: Magnitude): number {
  return 1 + sign * FACTOR * strength;
}

/** Where a pixel comes from, from the centre of the image: x + `xx`·x + `xy`·y + `x`, and likewise for y. */
interface Affine {
  readonly xx?: number;
  readonly xy?: number;
  readonly yx?: number;
  readonly yy?: number;
  readonly x?: number;
  readonly y?: number;
}

/** The nearest pixel is taken; one from outside is 0. */
function moved(pixels: Uint8Array, { height, width, channels }: ImageShape, affine: Affine): Uint8Array {
  const { xx = 1, xy = 0, yx = 0, yy = 1, x: right = 0, y: down = 0 } = affine;
  const output = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromLeft, fromTop] = [x + 0.5 - width / 2, y + 0.5 - height / 2];
      const fromX = Math.floor(xx * fromLeft + xy * fromTop + right + width / 2);
      const fromY = Math.floor(yx * fromLeft + yy * fromTop + down + height / 2);
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      const [to, from] = [(y * width + x) * channels, (fromY * width + fromX) * channels];
      for (let channel = 0; channel < channels; channel++) output[to + channel] = pixels[from + channel]!;
    }
  }
  return output;
}

function rotated(pixels: Uint8Array, shape: ImageShape, angle: number): Uint8Array {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return moved(pixels, shape, { xx: cosine, xy: sine, yx: -sine, yy: cosine });
}

/** The distance of each value from a mean of its neighbours times the factor. The border stays. */
function sharpened(pixels: Uint8Array, { height, width, channels }: ImageShape, factor: number): Uint8Array {
  const output = pixels.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + channels; at < (y + 1) * row - channels; at++) {
      let sum = 4 * pixels[at]!;
      for (const line of [at - row, at, at + row]) {
        sum += pixels[line - channels]! + pixels[line]! + pixels[line + channels]!;
      }
      const smooth = Math.round(sum / 13);
      output[at] = clamped(smooth + (pixels[at]! - smooth) * factor);
    }
  }
  return output;
}

function posterized(pixels: Uint8Array, bits: number): Uint8Array {
  const mask = 0x100 - (1 << (8 - bits));
  return pixels.map((value) => value & mask);
}

/** Replaces each value by that of a table, which a channel makes of how often it has each value. */
function byChannel(
  pixels: Uint8Array,
  channels: number,
  tableOf: (counts: Uint32Array) => Uint8Array | undefined,
): Uint8Array {
  const output = pixels.slice();
  for (let channel = 0; channel < channels; channel++) {
    const counts = new Uint32Array(256);
    for (let at = channel; at < pixels.length; at += channels) counts[pixels[at]!]!++;
    const table = tableOf(counts);
    if (!table) continue;
    for (let at = channel; at < pixels.length; at += channels) output[at] = table[pixels[at]!]!;
  }
  return output;
}

/** The least value becomes 0 and the largest 255. */
function stretched(counts: Uint32Array): Uint8Array | undefined {
  const least = counts.findIndex((count) => count > 0);
  const most = counts.findLastIndex((count) => count > 0);
  if (least >= most) return undefined;
  return Uint8Array.from(counts, (_, value) => clamped(((value - least) * 255) / (most - least)));
}

/** All values become about as frequent, as in Pillow. */
function equalized(counts: Uint32Array): Uint8Array | undefined {
  const most = counts.findLastIndex((count) => count > 0);
  const step = Math.floor((counts.reduce((sum, count) => sum + count, 0) - counts[most]!) / 255);
  if (step === 0) return undefined;
  let before = Math.floor(step / 2);
  return Uint8Array.from(counts, (count) => {
    const value = Math.min(255, Math.floor(before / step));
    before += count;
    return value;
  });
}

/** Operations on one image, at most. */
const MOST_OPERATIONS = 16;

/**
 * RandAugment (Cubuk et al. 2020, arXiv 1909.13719): some operations, each drawn uniformly from 14 and all of one magnitude. What a
 * magnitude is to each operation, and the default, are those of torchvision.
 */
export const randAugment = defineAugmentation({
  kind: 'rand-augment',
  schema: z.strictObject({
    kind: z.literal('rand-augment').describe('operations drawn from 14, all of one magnitude (Cubuk et al. 2020)'),
    operations: z.int().min(1).max(MOST_OPERATIONS).default(2).describe('on each image, one after the other'),
    magnitude: z.number().min(0).max(STRONGEST).default(9).describe('how strong they are'),
  }),
  apply({ pixels, shape, draws, spec }) {
    let output = pixels;
    for (let i = 0; i < spec.operations; i++) {
      const operation = OPERATIONS[draws.below(OPERATIONS.length)]!;
      // Drawn for each, so that every operation takes as many random numbers.
      const sign = draws.below(2) === 0 ? -1 : 1;
      output = operation(output, shape, { strength: spec.magnitude / STRONGEST, sign });
    }
    return output;
  },
});
