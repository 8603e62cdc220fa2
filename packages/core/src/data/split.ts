import { createHash } from 'node:crypto';
import { atOnce, type Sliced } from '../async/slices.js';
import { type DataSpec, isByIdentity } from '../spec/data-spec.js';
import {
  assertAvailable,
  type Choice,
  chooseIdentities,
  chooseImages,
  imageDigests,
  indicesOf,
  isSameDigest,
  sortedByDigest,
} from './choose-images.js';
import {
  type ImageShape,
  type ImageSource,
  imageBytes,
  type LabelledImages,
  type Pixels,
  reorderedPairs,
} from './image-source.js';
import { namedNormalisation } from './normalisation.js';

/** The three splits of a run. Every process derives the same ones. */
export interface Dataset extends ImageShape {
  readonly classes: number;
  /** Of each class, where the files name them and the splits have all classes. */
  readonly classNames?: readonly string[];
  readonly train: LabelledImages;
  readonly validation: LabelledImages;
  readonly test: LabelledImages;
  /** SHA-256, hex, over the training split: shape, pixels and labels in order. */
  readonly digest: string;
  /** Of each channel, with pixels scaled to 0..1: the mean of the training split, unless the spec names other statistics. */
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
 * drawn. A split by identity takes all images of an identity, or none.
 * @throws TrikdError 'invalid' if more images are requested than there are, or if an identity is in the training and the test files
 */
export function splitDataset(source: ImageSource, spec: DataSpec, seed: number): Dataset {
  return atOnce(splitting(source, spec, seed));
}

/** `splitDataset` for a process that has other work meanwhile. */
export function* splitting(source: ImageSource, spec: DataSpec, seed: number): Sliced<Dataset> {
  const chosen = yield* isByIdentity(spec) ? chooseIdentities(source, spec, seed) : chooseImages(source, spec, seed);
  const { classes, newLabels } = chosen;
  const train = yield* gather(source, source.train, chosen.train, newLabels);
  const { height, width, channels, classNames } = source;
  const test = yield* gather(source, source.test, chosen.test, newLabels);
  const { pairs } = source.test;
  const { digest, ...training } = yield* summaryOf(source, train, classes);
  return {
    height,
    width,
    channels,
    classes,
    ...(classNames && !newLabels && { classNames }),
    train,
    validation: yield* gather(source, source.train, chosen.validation, newLabels),
    test: { ...test, ...(pairs && { pairs: reorderedPairs(pairs, chosen.test) }) },
    digest,
    ...namedNormalisation(('normalise' in spec && spec.normalise) || 'training', training),
  };
}

/** Some images of a split, in their order: copies of what is in memory, otherwise read from the files of the split where they are wanted. */
function* gather(
  shape: ImageShape,
  split: LabelledImages,
  chosen: Uint32Array,
  newLabels?: Choice['newLabels'],
): Sliced<LabelledImages> {
  const size = imageBytes(shape);
  const copies = split.images instanceof Uint8Array ? new Uint8Array(chosen.length * size) : undefined;
  const labels = split.labels.slice(0, chosen.length);
  for (const [row, index] of chosen.entries()) {
    copies?.set(split.images.subarray(index * size, (index + 1) * size), row * size);
    const label = split.labels[index]!;
    labels[row] = newLabels?.get(label) ?? label;
    yield;
  }
  return { count: chosen.length, images: copies ?? chosenPixels(split.images, chosen, size), labels };
}

/** Bytes that are read between two interruptions. */
const CHUNK = 64 * 1024;

/** Digest and statistics of the training split, in one pass over its pixels. */
function* summaryOf(
  { height, width, channels }: ImageShape,
  split: LabelledImages,
  classes: number,
): Sliced<Pick<Dataset, 'digest' | 'mean' | 'std'>> {
  const digest = createHash('sha256');
  digest.update(`${split.count}x${height}x${width}x${channels} of ${classes} classes\n`);
  const counts = Array.from({ length: channels }, () => new Float64Array(256));
  for (let at = 0; at < split.images.length; at += CHUNK) {
    const chunk = split.images.subarray(at, Math.min(at + CHUNK, split.images.length));
    digest.update(chunk);
    for (let i = 0; i < chunk.length; i++) counts[(at + i) % channels]![chunk[i]!]!++;
    yield;
  }
  digest.update(split.labels);
  return { digest: digest.digest('hex'), ...statisticsOf(counts, split.images.length / channels) };
}

/** From counts of the 256 values of each channel: exact, so the same on every machine. */
function statisticsOf(counts: readonly Float64Array[], pixels: number): Pick<Dataset, 'mean' | 'std'> {
  const moments = counts.map((count) => {
    const mean = count.reduce((sum, n, value) => sum + n * value, 0) / pixels;
    const variance = count.reduce((sum, n, value) => sum + n * (value - mean) ** 2, 0) / pixels;
    return { mean: mean / 255, std: variance === 0 ? 1 : Math.sqrt(variance) / 255 };
  });
  return { mean: moments.map((moment) => moment.mean), std: moments.map((moment) => moment.std) };
}

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

/**
 * Some images of `images`, in the order of `chosen`, without a copy.
 * @param size bytes of an image
 */
function chosenPixels(images: Pixels, chosen: Uint32Array, size: number): Pixels {
  const part = (row: number, begin: number, end: number) => {
    const start = chosen[row]! * size;
    return images.subarray(start + begin, start + end);
  };
  const readAhead = images.readAhead?.bind(images);
  return {
    length: chosen.length * size,
    subarray(begin, end) {
      const first = Math.floor(begin / size);
      if (end <= (first + 1) * size) return part(first, begin - first * size, end - first * size);
      const output = new Uint8Array(end - begin);
      for (let at = begin; at < end; ) {
        const row = Math.floor(at / size);
        const inside = at - row * size;
        const piece = part(row, inside, Math.min(size, inside + end - at));
        output.set(piece, at - begin);
        at += piece.length;
      }
      return output;
    },
    ...(readAhead && { readAhead: (rows) => readAhead(Array.from(rows, (row) => chosen[row]!)) }),
  };
}
