import type { AugmentSection } from '../spec/augment-spec.js';
import type { Augmentation } from './geometry.js';
import type { ImageShape } from './image-source.js';
import { below, type RandomStream, randomWords } from './random.js';

/**
 * Determines an example's random numbers. Augmentation depends on nothing else, not even on the example's place in the
 * batch.
 */
export type AugmentStream = RandomStream & { readonly purpose: 'augmentation' };

const words = new Uint32Array(4);

/**
 * Draws the augmentation of a training image, identified by its index in the training split: a crop of the padded image
 * (He et al. 2016), a flip, and cutout around a uniform centre (DeVries & Taylor 2017). The crop takes two random
 * words, each of the others one.
 */
export function drawAugmentation(
  spec: AugmentSection,
  shape: ImageShape,
  draw: { readonly stream: AugmentStream; readonly sample: number },
): Augmentation {
  randomWords(draw.stream, draw.sample, words);
  const center = below(words[3]!, shape.height * shape.width);
  return {
    up: below(words[0]!, 2 * spec.crop + 1) - spec.crop,
    left: below(words[1]!, 2 * spec.crop + 1) - spec.crop,
    flip: spec.flip && words[2]! >= 0x8000_0000,
    cutout: { centerY: Math.floor(center / shape.width), centerX: center % shape.width, side: spec.cutout },
  };
}
