import type { z } from 'zod';
import type { ImageShape } from '../image-source.js';
import { below, randomWords } from '../random.js';

/** What an augmentation of a list is given. Its random numbers are those of one image and of its place in the list. */
export interface AugmentationInputs {
  /** HWC, 0..255; not changed. */
  readonly pixels: Uint8Array;
  readonly shape: ImageShape;
  readonly draws: Draws;
}

/** An augmentation of one image, as the registry keeps it. */
export interface ImageAugmentation<Kind extends string, Schema extends z.ZodType> {
  readonly kind: Kind;
  readonly schema: Schema;
  /** @param spec what the schema accepts @returns as many pixels, which may be those of the inputs */
  apply(inputs: AugmentationInputs, spec: unknown): Uint8Array;
}

/** What mixing another image in leaves of the own one. */
export interface Mixed {
  readonly pixels: Uint8Array;
  /** Of the label of the own image, 0..1; that of the other has the rest. */
  readonly share: number;
}

export interface MixInputs extends AugmentationInputs {
  /** Pixels of the other image. */
  readonly other: Uint8Array;
}

/** An augmentation that mixes two images and their labels, as the registry keeps it. */
export interface MixAugmentation<Kind extends string, Schema extends z.ZodType> {
  readonly kind: Kind;
  readonly schema: Schema;
  mix(inputs: MixInputs, spec: unknown): Mixed;
}

/** Defines an augmentation of one image: its name, its settings, and what it does. */
export function defineAugmentation<Kind extends string, Schema extends z.ZodType<{ readonly kind: Kind }>>(one: {
  readonly kind: Kind;
  readonly schema: Schema;
  apply(inputs: AugmentationInputs & { readonly spec: z.output<Schema> }): Uint8Array;
}): ImageAugmentation<Kind, Schema> {
  const { kind, schema } = one;
  return { kind, schema, apply: (inputs, spec) => one.apply({ ...inputs, spec: spec as z.output<Schema> }) };
}

/** Defines an augmentation that mixes two images. */
export function defineMix<Kind extends string, Schema extends z.ZodType<{ readonly kind: Kind }>>(one: {
  readonly kind: Kind;
  readonly schema: Schema;
  mix(inputs: MixInputs & { readonly spec: z.output<Schema> }): Mixed;
}): MixAugmentation<Kind, Schema> {
  const { kind, schema } = one;
  return { kind, schema, mix: (inputs, spec) => one.mix({ ...inputs, spec: spec as z.output<Schema> }) };
}

/** Random numbers, one after the other. */
export interface Draws {
  /** 0 .. bound-1 */
  below(bound: number): number;
  /** 0 or more, less than 1. */
  uniform(): number;
}

/** Determines the random numbers of an image in one epoch. */
export interface ImageDraws {
  readonly seed: number;
  readonly stage: number;
  readonly epoch: number;
  /** Index of the image in the training split. */
  readonly sample: number;
}

/** Blocks of random words that one place of a list may use. */
const BLOCKS = 65_536;

/**
 * The random numbers for one place of a list of augmentations. They depend on nothing else: an augmentation that draws more changes no
 * other, and neither does the batch that an image is in.
 */
export function drawsAt({ seed, stage, epoch, sample }: ImageDraws, place: number): Draws {
  const words = new Uint32Array(4);
  let drawn = 0;
  const next = () => {
    const block = Math.floor(drawn / 4);
    if (drawn % 4 === 0) {
      const lane = place * BLOCKS + (block % BLOCKS);
      randomWords({ purpose: 'augmentation-list', seed, stage, epoch, lane }, sample, words);
    }
    return words[drawn++ % 4]!;
  };
  return { below: (bound) => below(next(), bound), uniform: () => next() / 0x1_0000_0000 };
}
