import type { Sliced } from '../async/slices.js';
import { TrikdError } from '../domain/errors.js';
import type { DataSpec } from '../spec/data-spec.js';
import { type Digests, imageDigests, isSameDigest, keyedDigests, sortedByDigest } from './image-digests.js';
import type { ImageSource, LabelledImages } from './image-source.js';

/** Which images of a source are in which split, in their order. */
export interface Choice {
  /** Classes of the training images. */
  readonly classes: number;
  /** Indices into the training files. */
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Indices into the test files. */
  readonly test: Uint32Array;
  /** By label of the source; absent: labels stay as they are. */
  readonly newLabels?: ReadonlyMap<number, number>;
}

/** Chooses image by image. @throws TrikdError 'invalid' if more images are requested than there are */
export function* chooseImages(source: ImageSource, spec: DataSpec, seed: number): Sliced<Choice> {
  const digests = yield* imageDigests(source, source.train);
  const pool = yield* sortedByDigest(digests, source.train.labels, indicesOf(source.train));
  const validation = first(pool, spec.validation, `validation images of ${source.name}`);
  const rest = withoutCopies(pool, validation.length, digests);
  const keys = yield* keyedDigests(digests, seed, rest);
  const drawn = yield* sortedByDigest(keys, source.train.labels, rest);
  const available = `training images of ${source.name} beside ${spec.validation} validation images and their copies`;
  const train = first(drawn, spec.train ?? drawn.length, available);
  const testDigests = yield* imageDigests(source, source.test);
  const tested = yield* sortedByDigest(testDigests, source.test.labels, indicesOf(source.test));
  const test = first(tested, spec.test ?? tested.length, `test images of ${source.name}`);
  return { classes: source.classes, train, validation, test };
}

export function* indicesOf({ count }: LabelledImages): Iterable<number> {
  for (let index = 0; index < count; index++) yield index;
}

/** What is left of a sorted pool without its first images and their copies, which follow them. */
function withoutCopies(pool: Uint32Array, taken: number, digests: Digests): Uint32Array {
  const last = pool[taken - 1]!;
  let next = taken;
  while (next < pool.length && isSameDigest(digests, last, pool[next]!)) next++;
  return pool.subarray(next);
}

function first(list: Uint32Array, count: number, what: string): Uint32Array {
  assertAvailable(list, count, what);
  return list.subarray(0, count);
}

/** @throws TrikdError 'invalid' if there are not as many images as requested, or none are requested */
export function assertAvailable(list: Uint32Array, count: number, what: string): void {
  if (count > 0 && count <= list.length) return;
  throw new TrikdError('invalid', `asked for ${count} of ${list.length} ${what}`, { count, available: list.length });
}
