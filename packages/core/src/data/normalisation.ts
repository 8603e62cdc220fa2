import { TrikdError } from '../domain/errors.js';

/** What pixels, scaled to 0..1, are normalised with: (pixel - mean) / std, for each channel. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Statistics that models were published with, of red, green and blue. */
const PUBLISHED = {
  // Of torchvision and timm.
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  // Of all pixels of its training images.
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
} as const;

/** Names of statistics. `training` are those of the training split, `half` maps pixels to -1..1. */
export const NORMALISATIONS = ['training', 'half', 'imagenet', 'cifar10'] as const;
export type NormalisationName = (typeof NORMALISATIONS)[number];

/**
 * The statistics of a name.
 * @param training those of the training split
 * @throws TrikdError 'invalid' for published ones of another number of channels
 */
export function namedNormalisation(name: NormalisationName, training: Normalisation): Normalisation {
  const { length: channels } = training.mean;
  if (name === 'training') return training;
  if (name === 'half') {
    const halves = new Array<number>(channels).fill(0.5);
    return { mean: halves, std: halves };
  }
  const published = PUBLISHED[name];
  if (published.mean.length === channels) return published;
  throw new TrikdError(
    'invalid',
    `data.normalise: the statistics ${name} are of 3 channels, and these images have ${channels}: take training or half`,
  );
}
