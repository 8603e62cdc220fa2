import { createHash, hash } from 'node:crypto';
import { TrikdError } from '../domain/errors.js';
import type { DataSpec } from '../spec/data-spec.js';
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

/** One image of a pool, identified by its content. */
interface Entry {
  readonly index: number;
  readonly label: number;
  readonly digest: string;
}

/**
 * Splits a source by image content, not by position: the order of the files changes nothing. The validation images are
 * the first by digest, the same for every seed, so that runs with several seeds are compared on one set. The training
 * images are drawn from the rest by a digest keyed with the seed. An image with a copy in the validation split is never
 * drawn.
 * @throws TrikdError 'invalid' if more images are requested than there are
 */
export function splitDataset(source: ImageSource, spec: DataSpec, seed: number): Dataset {
  const pool = sortedBy(entries(source, source.train), (entry) => entry.digest);
  const validation = first(pool, spec.validation, `validation images of ${source.name}`);
  const held = new Set(validation.map((entry) => entry.digest));
  const rest = pool.filter((entry) => !held.has(entry.digest));
  const drawn = sortedBy(rest, (entry) => hash('sha256', `${seed}:${entry.digest}`));
  const available = `training images of ${source.name} beside ${spec.validation} validation images and their copies`;
  const train = gather(source, source.train, first(drawn, spec.train ?? drawn.length, available));
  const tested = sortedBy(entries(source, source.test), (entry) => entry.digest);
  const { height, width, channels, classes } = source;
  return {
    height,
    width,
    channels,
    classes,
    train,
    validation: gather(source, source.train, validation),
    test: gather(source, source.test, first(tested, spec.test ?? tested.length, `test images of ${source.name}`)),
    digest: digestOf(source, train),
    ...statistics(train.images, channels),
  };
}

function entries(shape: ImageShape, split: LabelledImages): readonly Entry[] {
  const size = imageBytes(shape);
  return Array.from(split.labels, (label, index) => ({
    index,
    label,
    digest: hash('sha256', split.images.subarray(index * size, (index + 1) * size)),
  }));
}

/** Copies of an image may differ in their label alone; the label breaks the tie, so the order is unique. */
function sortedBy(list: readonly Entry[], key: (entry: Entry) => string): readonly Entry[] {
  return list
    .map((entry) => ({ entry, key: key(entry) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.entry.label - b.entry.label))
    .map(({ entry }) => entry);
}

function first(list: readonly Entry[], count: number, what: string): readonly Entry[] {
  if (count === 0 || count > list.length) {
    throw new TrikdError('invalid', `asked for ${count} of ${list.length} ${what}`, { count, available: list.length });
  }
  return list.slice(0, count);
}

function gather(shape: ImageShape, split: LabelledImages, chosen: readonly Entry[]): LabelledImages {
  const size = imageBytes(shape);
  const images = new Uint8Array(chosen.length * size);
  for (const [row, { index }] of chosen.entries()) {
    images.set(split.images.subarray(index * size, (index + 1) * size), row * size);
  }
  return { count: chosen.length, images, labels: Uint8Array.from(chosen, (entry) => entry.label) };
}

function digestOf(source: ImageSource, split: LabelledImages): string {
  const { height, width, channels, classes } = source;
  return createHash('sha256')
    .update(`${split.count}x${height}x${width}x${channels} of ${classes} classes\n`)
    .update(split.images)
    .update(split.labels)
    .digest('hex');
}

/** Computed from counts of the 256 values: exact, so the same on every machine, and one pass over the pixels. */
function statistics(images: Uint8Array, channels: number): Pick<Dataset, 'mean' | 'std'> {
  const counts = Array.from({ length: channels }, () => new Float64Array(256));
  for (let channel = 0; channel < channels; channel++) {
    const count = counts[channel]!;
    for (let i = channel; i < images.length; i += channels) count[images[i]!]!++;
  }
  const pixels = images.length / channels;
  const moments = counts.map((count) => {
    const mean = count.reduce((sum, n, value) => sum + n * value, 0) / pixels;
    const variance = count.reduce((sum, n, value) => sum + n * (value - mean) ** 2, 0) / pixels;
    return { mean: mean / 255, std: variance === 0 ? 1 : Math.sqrt(variance) / 255 };
  });
  return { mean: moments.map((moment) => moment.mean), std: moments.map((moment) => moment.std) };
}
