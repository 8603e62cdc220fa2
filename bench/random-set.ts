import { randomFillSync } from 'node:crypto';
import { type ImageSource, imageBytes, type LabelledImages, type Pixels } from '@trikd/core/data/image-source';

const SHAPE = { height: 32, width: 32, channels: 3 };
const CLASSES = 100;

/** Bytes of an image. */
export const IMAGE_BYTES = imageBytes(SHAPE);

/** Images of random pixels, which are made where they are written: no set is too large for the memory. */
export function randomSet(train: number, test: number): ImageSource {
  return { name: 'random', ...SHAPE, classes: CLASSES, train: split(train), test: split(test) };
}

function split(count: number): LabelledImages {
  const images: Pixels = {
    length: count * IMAGE_BYTES,
    subarray: (begin, end) => randomFillSync(new Uint8Array(end - begin)),
  };
  return { count, images, labels: Uint8Array.from({ length: count }, (_, i) => i % CLASSES) };
}
