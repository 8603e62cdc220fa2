import { z } from 'zod';
import { colourJitter } from './colour-jitter.js';
import { crop } from './crop.js';
import { cutmix } from './cutmix.js';
import { cutout } from './cutout.js';
import { flip } from './flip.js';
import { mixup } from './mixup.js';
import { randAugment } from './rand-augment.js';

/** Every augmentation of one image. A new one is a file, and a place in this list. */
export const IMAGE_AUGMENTATIONS = [crop, flip, cutout, colourJitter, randAugment] as const;

/** Every augmentation that mixes two images. */
export const MIX_AUGMENTATIONS = [mixup, cutmix] as const;

/** Augmentations of a list, at most. */
const LONGEST_LIST = 16;

const [first, ...others] = [...IMAGE_AUGMENTATIONS, ...MIX_AUGMENTATIONS];

/** Augmentations in their order. Those that mix two images come last, each once. */
export const AugmentList = z
  .array(z.discriminatedUnion('kind', [first!.schema, ...others.map(({ schema }) => schema)]))
  .max(LONGEST_LIST)
  .superRefine((list, context) => {
    const mixing = list.filter(isMix);
    if (!list.slice(list.length - mixing.length).every(isMix)) {
      const message = `${mixing.map(({ kind }) => kind).join(' and ')} mix whole images: put them at the end of the list`;
      context.addIssue({ code: 'custom', message });
    }
    if (new Set(mixing.map(({ kind }) => kind)).size < mixing.length) {
      context.addIssue({ code: 'custom', message: 'each of mixup and cutmix is listed once' });
    }
  });
export type AugmentList = z.infer<typeof AugmentList>;
export type ListedAugmentation = AugmentList[number];

/** Settings of an augmentation that mixes two images. */
export type MixSpec = Extract<ListedAugmentation, { kind: (typeof MIX_AUGMENTATIONS)[number]['kind'] }>;

export function isMix(one: ListedAugmentation): one is MixSpec {
  return MIX_AUGMENTATIONS.some(({ kind }) => kind === one.kind);
}
