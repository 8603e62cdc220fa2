import { createHash } from 'node:crypto';
import { atOnce, type Sliced } from '../async/slices.js';
import { type DataSpec, isByIdentity } from '../spec/data-spec.js';
import { chooseIdentities } from './choose-identities.js';
import { type Choice, chooseImages } from './choose-images.js';
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
  const { height, width, channels } = source;
  return {
    height,
    width,
    channels,
    classes,
    train,
    validation: yield* gather(source, source.train, chosen.validation, newLabels),
    test: yield* gather(source, source.test, chosen.test, newLabels),
    digest: yield* digestOf(source, train, classes),
    ...(yield* statistics(train.images, channels)),
  };
}

/** Copies some images of a split, in their order. */
export function* gather(
  shape: ImageShape,
  split: LabelledImages,
  chosen: Uint32Array,
  newLabels?: Choice['newLabels'],
): Sliced<LabelledImages> {
  const size = imageBytes(shape);
  const images = new Uint8Array(chosen.length * size);
  const labels = split.labels.slice(0, chosen.length);
  for (const [row, index] of chosen.entries()) {
    images.set(split.images.subarray(index * size, (index + 1) * size), row * size);
    const label = split.labels[index]!;
    labels[row] = newLabels?.get(label) ?? label;
    yield;
  }
  return { count: chosen.length, images, labels };
}

/** Bytes that are read between two interruptions. */
const CHUNK = 64 * 1024;

function* digestOf({ height, width, channels }: ImageShape, split: LabelledImages, classes: number): Sliced<string> {
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
