import { atOnce, type Sliced } from '../async/slices.js';
import type { DataSpec } from '../spec/data-spec.js';
import { type ImageShape, type ImageSource, imageBytes, type LabelledImages, makeLabels } from './image-source.js';
import { type RandomPurpose, randomWords } from './random.js';

export type SyntheticSpec = Extract<DataSpec, { kind: 'synthetic' }>;
export type SyntheticIdentitiesSpec = Extract<DataSpec, { kind: 'synthetic-identities' }>;

/** What decides the pixels and the labels of images. */
interface Design extends ImageShape {
  readonly noise: number;
  /** Patterns. */
  readonly classes: number;
  /** @param index of the image in its files @param before images in the files before them */
  labelOf(index: number, before: number): number;
}

/** Cells of a prototype along each side: coarse enough that the image survives a crop that moves it by a pixel. */
const CELLS = 4;
/** Four uniform bytes: their sum has mean 510 and variance 4 (256^2 - 1) / 12. */
const BYTE_SUM_MEAN = 510;
/** Pixels that are made between two interruptions: a fraction of a millisecond. */
const PIXELS = 1024;
const BYTE_SUM_DEVIATION = Math.sqrt((4 * (256 ** 2 - 1)) / 12);

/**
 * Makes images from a seed: one coarse random pattern per class, plus noise on every pixel. Class sizes differ by at
 * most one image. The noise is a sum of four uniform bytes: nearly normal and, unlike a logarithm, the same on every
 * machine.
 */
export function syntheticSource(spec: SyntheticSpec, seed: number): ImageSource {
  return atOnce(makingSource(spec, seed));
}

/** `syntheticSource` for a process that has other work meanwhile. */
export function makingSource(spec: SyntheticSpec, seed: number): Sliced<ImageSource> {
  return making(spec, { ...spec, labelOf: (index) => index % spec.classes }, seed);
}

/**
 * Makes images of identities: one coarse random pattern for each, of which every image has noise of its own. Training and test images
 * have different identities.
 */
export function makingIdentities(spec: SyntheticIdentitiesSpec, seed: number): Sliced<ImageSource> {
  const { train, validation, test, perIdentity } = spec;
  const classes = (train + validation + test) / perIdentity;
  const labelOf = (index: number, before: number) => Math.floor((before + index) / perIdentity);
  return making(spec, { ...spec, classes, labelOf }, seed);
}

function* making(
  spec: Pick<SyntheticSpec, 'train' | 'validation' | 'test'>,
  design: Design,
  seed: number,
): Sliced<ImageSource> {
  const { height, width, channels, classes } = design;
  const pool = spec.train + spec.validation;
  const prototypes = yield* makePrototypes(design, seed);
  return {
    name: `synthetic images of seed ${seed}`,
    height,
    width,
    channels,
    classes,
    train: yield* makeImages(design, prototypes, { seed, first: 0, count: pool }),
    test: yield* makeImages(design, prototypes, { seed, first: pool, count: spec.test }),
  };
}

function* makePrototypes(spec: Design, seed: number): Sliced<Uint8Array> {
  const word = wordsOf(seed, 'prototypes');
  const prototypes = new Uint8Array(spec.classes * imageBytes(spec));
  for (let i = 0; i < prototypes.length; i++) {
    const channel = i % spec.channels;
    const x = Math.floor(i / spec.channels) % spec.width;
    const y = Math.floor(i / (spec.channels * spec.width)) % spec.height;
    const label = Math.floor(i / imageBytes(spec));
    const row = label * CELLS + Math.floor((y * CELLS) / spec.height);
    const column = Math.floor((x * CELLS) / spec.width);
    prototypes[i] = word((row * CELLS + column) * spec.channels + channel) >>> 24;
    if (i % PIXELS === 0) yield;
  }
  return prototypes;
}

function* makeImages(
  spec: Design,
  prototypes: Uint8Array,
  range: { readonly seed: number; readonly first: number; readonly count: number },
): Sliced<LabelledImages> {
  const size = imageBytes(spec);
  const word = wordsOf(range.seed, 'noise');
  const scale = spec.noise / BYTE_SUM_DEVIATION;
  const images = new Uint8Array(range.count * size);
  const labels = makeLabels(range.count, spec.classes);
  for (let i = 0; i < range.count; i++) labels[i] = spec.labelOf(i, range.first);
  for (let i = 0; i < images.length; i++) {
    const pixel = prototypes[labels[Math.floor(i / size)]! * size + (i % size)]!;
    const noise = (byteSum(word(range.first * size + i)) - BYTE_SUM_MEAN) * scale;
    images[i] = Math.min(255, Math.max(0, Math.round(pixel + noise)));
    if (i % PIXELS === 0) yield;
  }
  return { count: range.count, images, labels };
}

/** The words of a stream, one at a time. Consecutive reads are cheap because a block of four is cached. */
function wordsOf(seed: number, purpose: RandomPurpose): (index: number) => number {
  const stream = { purpose, seed, stage: 0, epoch: 0 };
  const block = new Uint32Array(4);
  let present = -1;
  return (index) => {
    const wanted = Math.floor(index / 4);
    if (wanted !== present) randomWords(stream, wanted, block);
    present = wanted;
    return block[index % 4]!;
  };
}

function byteSum(word: number): number {
  return (word & 0xff) + ((word >>> 8) & 0xff) + ((word >>> 16) & 0xff) + (word >>> 24);
}
