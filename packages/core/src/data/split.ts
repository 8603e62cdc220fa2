import { createHash } from 'node:crypto';
import { atOnce, type Sliced } from '../async/slices.js';
import { TrikdError } from '../domain/errors.js';
import type { DataSpec } from '../spec/data-spec.js';
import { type Digests, imageDigests, isSameDigest, keyedDigests, sortedByDigest } from './image-digests.js';
import { type ImageShape, type ImageSource, imageBytes, type LabelledImages } from './image-source.js';

/** The three splits of a run. Every process derives the same ones. */
export interface Dataset extends ImageShape {
  readonly classes: number;
  readonly train: LabelledImages;
  readonly validation: LabelledImages;
  readonly test: LabelledImages;
  /** SHA-256, hex, over the training split: shape, pixels and labels in order. */
  readonly digest: string;
  /** Mean of each channel of the training split, with pixels scaled to 0..1. */
  readonly mean: readonly number[];
  /**
   * Standard deviation of each channel, as `mean`; 1 for a constant channel, so that normalisation is always defined.
   */
  readonly std: readonly number[];
}

/**
 * Splits a source by image content, not by position: the order of the files changes nothing. The validation images are
 * the first by digest, the same for every seed, so that runs with several seeds are compared on one set. The training
 * images are drawn from the rest by a digest keyed with the seed. An image with a copy in the validation split is never
 * drawn.
 * @throws TrikdError 'invalid' if more images are requested than there are
 */
export function splitDataset(source: ImageSource, spec: DataSpec, seed: number): Dataset {
  return atOnce(splitting(source, spec, seed));
}

/** `splitDataset` for a process that has other work meanwhile. */
export function* splitting(source: ImageSource, spec: DataSpec, seed: number): Sliced<Dataset> {
  const digests = yield* imageDigests(source, source.train);
  const pool = yield* sortedByDigest(digests, source.train.labels, indicesOf(source.train));
  const validation = first(pool, spec.validation, `validation images of ${source.name}`);
  const rest = withoutCopies(pool, validation.length, digests);
  const keys = yield* keyedDigests(digests, seed, rest);
  const drawn = yield* sortedByDigest(keys, source.train.labels, rest);
  const available = `training images of ${source.name} beside ${spec.validation} validation images and their copies`;
  const train = yield* gather(source, source.train, first(drawn, spec.train ?? drawn.length, available));
  const testDigests = yield* imageDigests(source, source.test);
  const tested = yield* sortedByDigest(testDigests, source.test.labels, indicesOf(source.test));
  const { height, width, channels, classes } = source;
  return {
    height,
    width,
    channels,
    classes,
    train,
    validation: yield* gather(source, source.train, validation),
    test: yield* gather(
      source,
      source.test,
      first(tested, spec.test ?? tested.length, `test images of ${source.name}`),
    ),
    digest: yield* digestOf(source, train),
    ...(yield* statistics(train.images, channels)),
  };
}

function* indicesOf({ count }: LabelledImages): Iterable<number> {
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
  if (count === 0 || count > list.length) {
    throw new TrikdError('invalid', `asked for ${count} of ${list.length} ${what}`, { count, available: list.length });
  }
  return list.subarray(0, count);
}

function* gather(shape: ImageShape, split: LabelledImages, chosen: Uint32Array): Sliced<LabelledImages> {
  const size = imageBytes(shape);
  const images = new Uint8Array(chosen.length * size);
  const labels = split.labels.slice(0, chosen.length);
  for (const [row, index] of chosen.entries()) {
    images.set(split.images.subarray(index * size, (index + 1) * size), row * size);
    labels[row] = split.labels[index]!;
    yield;
  }
  return { count: chosen.length, images, labels };
}

/** Bytes that are read between two interruptions. */
const CHUNK = 64 * 1024;

function* digestOf(source: ImageSource, split: LabelledImages): Sliced<string> {
  const { height, width, channels, classes } = source;
  const digest = createHash('sha256');
  digest.update(`${split.count}x${height}x${width}x${channels} of ${classes} classes\n`);
  for (let at = 0; at < split.images.length; at += CHUNK) {
    digest.update(split.images.subarray(at, at + CHUNK));
    yield;
  }
  return digest.update(split.labels).digest('hex');
}

/** Computed from counts of the 256 values: exact, so the same on every machine, and one pass over the pixels. */
function* statistics(images: Uint8Array, channels: number): Sliced<Pick<Dataset, 'mean' | 'std'>> {
  const counts = Array.from({ length: channels }, () => new Float64Array(256));
  for (let i = 0; i < images.length; i++) {
    counts[i % channels]![images[i]!]!++;
    if (i % CHUNK === 0) yield;
  }
  const pixels = images.length / channels;
  const moments = counts.map((count) => {
    const mean = count.reduce((sum, n, value) => sum + n * value, 0) / pixels;
    const variance = count.reduce((sum, n, value) => sum + n * (value - mean) ** 2, 0) / pixels;
    return { mean: mean / 255, std: variance === 0 ? 1 : Math.sqrt(variance) / 255 };
  });
  return { mean: moments.map((moment) => moment.mean), std: moments.map((moment) => moment.std) };
}
