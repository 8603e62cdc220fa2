import { type AugmentSection, type AugmentSpec, isList } from '../spec/data-spec.js';
import { drawsAt, type ImageDraws } from './augmentations/augmentation.js';
import {
  type AugmentList,
  IMAGE_AUGMENTATIONS,
  isMix,
  type ListedAugmentation,
  MIX_AUGMENTATIONS,
  type MixSpec,
} from './augmentations/registry.js';
import { type Augmentation, applyAugmentation } from './geometry.js';
import { type ImageShape, imageBytes } from './image-source.js';
import { below, type RandomStream, randomWords } from './random.js';
import type { Dataset } from './split.js';

/** What a training image became besides its pixels. */
export interface MixedLabel {
  /** Of the other image. */
  readonly label: number;
  /** Of the image's own label, 0..1. */
  readonly share: number;
}

/** The place of random numbers that choose which image is mixed in, and how: after all places of a list. */
const MIX_PLACE = 64;

/**
 * Writes a training image, augmented, into `output`. A pure function of data, augmentations, seed, stage, epoch and index: the
 * batch that it is in changes nothing. What is mixed in is any training image, augmented as it is itself in the same epoch.
 * @returns what was mixed in; undefined if nothing
 */
export function writeAugmented(
  dataset: Dataset,
  augment: AugmentSpec,
  draw: ImageDraws,
  output: Uint8Array,
): MixedLabel | undefined {
  const { sample, ...of } = draw;
  if (!isList(augment)) {
    const stream = { purpose: 'augmentation', ...of } as const;
    const augmentation = drawAugmentation(augment, dataset, { stream, sample });
    applyAugmentation(augmentation, dataset, { input: pixelsOf(dataset, sample), output });
    return undefined;
  }
  const pixels = augmentedAlone(dataset, augment, draw);
  const mix = chosenMix(dataset, augment, draw);
  if (!mix) {
    output.set(pixels);
    return undefined;
  }
  const other = augmentedAlone(dataset, augment, { ...draw, sample: mix.partner });
  const inputs = { pixels, other, shape: dataset, draws: drawsAt(draw, augment.indexOf(mix.spec)) };
  const mixed = mixOf(mix.spec).mix(inputs, mix.spec);
  output.set(mixed.pixels);
  return { label: dataset.train.labels[mix.partner]!, share: mixed.share };
}

/** The training image that is mixed into another, by their indices; undefined if none is. */
export function partnerOf(dataset: Dataset, augment: AugmentSpec, draw: ImageDraws): number | undefined {
  return isList(augment) ? chosenMix(dataset, augment, draw)?.partner : undefined;
}

/** Of several ways to mix one is drawn, each as often. */
function chosenMix({ train }: Dataset, augment: AugmentList, draw: ImageDraws) {
  const mixes: readonly MixSpec[] = augment.filter(isMix);
  if (mixes.length === 0) return undefined;
  const draws = drawsAt(draw, MIX_PLACE);
  const spec = mixes[draws.below(mixes.length)]!;
  const partner = draws.below(train.count);
  return draws.uniform() < spec.probability ? { spec, partner } : undefined;
}

function augmentedAlone(dataset: Dataset, augment: AugmentList, draw: ImageDraws): Uint8Array {
  return augment.reduce(
    (pixels, spec, place) =>
      isMix(spec)
        ? pixels
        : imageAugmentation(spec).apply({ pixels, shape: dataset, draws: drawsAt(draw, place) }, spec),
    pixelsOf(dataset, draw.sample),
  );
}

function pixelsOf(dataset: Dataset, sample: number): Uint8Array {
  const size = imageBytes(dataset);
  return dataset.train.images.subarray(sample * size, (sample + 1) * size);
}

function imageAugmentation({ kind }: ListedAugmentation) {
  return IMAGE_AUGMENTATIONS.find((one) => one.kind === kind)!;
}

function mixOf({ kind }: MixSpec) {
  return MIX_AUGMENTATIONS.find((one) => one.kind === kind)!;
}

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
