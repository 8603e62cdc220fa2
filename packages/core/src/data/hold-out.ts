import type { Sliced } from '../async/slices.js';
import { assertAvailable, indicesOf } from './choose-images.js';
import { imageDigests, isSameDigest, sortedByDigest } from './image-digests.js';
import type { ImageShape, LabelledImages } from './image-source.js';
import { gather } from './split.js';

/**
 * Sets test images apart where the files of a dataset do not: the last by digest, the same for every seed. Validation takes the first.
 * An image with a copy among them is left out of training.
 * @throws TrikdError 'invalid' if more images are requested than there are
 */
export function* holdOut(
  shape: ImageShape & { readonly name: string },
  pool: LabelledImages,
  count: number,
): Sliced<{ readonly train: LabelledImages; readonly test: LabelledImages }> {
  assertAvailable(new Uint32Array(pool.count), count, `test images of ${shape.name}`);
  const digests = yield* imageDigests(shape, pool);
  const sorted = yield* sortedByDigest(digests, pool.labels, indicesOf(pool));
  const begin = sorted.length - count;
  let end = begin;
  while (end > 0 && isSameDigest(digests, sorted[end - 1]!, sorted[begin]!)) end--;
  return {
    train: yield* gather(shape, pool, sorted.subarray(0, end)),
    test: yield* gather(shape, pool, sorted.subarray(begin)),
  };
}
