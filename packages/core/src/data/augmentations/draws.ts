import { below, randomWords } from '../random.js';

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
  readonly generation: number;
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
export function drawsAt({ seed, generation, epoch, sample }: ImageDraws, place: number): Draws {
  const words = new Uint32Array(4);
  let drawn = 0;
  const next = () => {
    const block = Math.floor(drawn / 4);
    if (drawn % 4 === 0) {
      const lane = place * BLOCKS + (block % BLOCKS);
      randomWords({ purpose: 'augmentation-list', seed, generation, epoch, lane }, sample, words);
    }
    return words[drawn++ % 4]!;
  };
  return { below: (bound) => below(next(), bound), uniform: () => next() / 0x1_0000_0000 };
}
