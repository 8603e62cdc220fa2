import { z } from 'zod';
import { AugmentList, isMix, type MixSpec } from '../data/augmentations/registry.js';
import { Count } from './numbers.js';

/** The augmentations that most runs need, in a fixed order. */
export const AugmentSection = z.strictObject({
  crop: Count.default(2).describe('pixels of zero padding before a random crop; 0 turns it off'),
  flip: z.boolean().default(true).describe('mirror left-right with probability 1/2'),
  cutout: Count.default(0).describe('side of the blanked square in pixels; 0 turns it off'),
});
export type AugmentSection = z.infer<typeof AugmentSection>;

/** How training images are changed: by the usual augmentations, or by those of a list. */
export const AugmentSpec = z.union(
  [AugmentSection, AugmentList.describe('augmentations in their order, instead of a section; []: none')],
  {
    error: ({ input, errors }) => {
      const issues = errors?.[Array.isArray(input) ? 1 : 0] ?? [];
      return issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
    },
  },
);
export type AugmentSpec = z.infer<typeof AugmentSpec>;

export function isList(augment: AugmentSpec): augment is AugmentList {
  return Array.isArray(augment);
}

/** The augmentations that mix two images. */
export function mixesOf(augment: AugmentSpec): readonly MixSpec[] {
  return isList(augment) ? augment.filter(isMix) : [];
}
