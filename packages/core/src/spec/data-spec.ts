import { z } from 'zod';
import { Amount, Count, Positive, Size, WIDEST } from './numbers.js';

/** Characters of a path, at most: PATH_MAX of Linux. */
const LONGEST_PATH = 4096;

/** The name under which a service registers a dataset. */
export const DatasetName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes');

const noise = Amount.default(64).describe('standard deviation of the noise, in pixel values');

/** Where the images come from and how they are split. Sizes count images. */
export const DataSpec = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('idx').describe('IDX files as MNIST and Fashion-MNIST ship them, plain or gzip'),
      name: DatasetName.optional().describe(
        'a dataset that the services have registered, or that is installed under this name',
      ),
      folder: z
        .string()
        .max(LONGEST_PATH)
        .regex(/^\P{Cc}*$/u, 'a path without control characters')
        .optional()
        .describe(
          'folder with the four files, where services allow paths; default: TRIKD_DATA, or what `make data` brought',
        ),
      train: Positive.optional().describe('training images, drawn by seed; default: all that validation leaves'),
      validation: Positive.default(5000).describe('images of the training files held out for every decision'),
      test: Positive.optional().describe('test images, only ever reported; default: all'),
      split: z
        .enum(['images', 'identities'])
        .optional()
        .describe(
          'identities: labels name identities, of which validation and test have other ones than training; sizes are then the most images, filled with whole identities; default: images',
        ),
    })
    .refine(({ name, folder }) => name === undefined || folder === undefined, {
      path: ['folder'],
      message: 'data have a name or a folder, not both',
    }),
  z.strictObject({
    kind: z.literal('synthetic').describe('class prototypes plus noise, made from the seed: for tests and load'),
    height: Size.default(8),
    width: Size.default(8),
    channels: Size.default(1),
    classes: Size.min(2).default(4),
    train: Positive.default(256),
    validation: Positive.default(64),
    test: Positive.default(64),
    noise,
  }),
  z
    .strictObject({
      kind: z
        .literal('synthetic-identities')
        .describe(
          'one prototype for each identity, plus noise; validation and test have other identities than training',
        ),
      height: Size.default(8),
      width: Size.default(8),
      channels: Size.default(1),
      perIdentity: Positive.min(2).default(4).describe('images of one identity'),
      train: Positive.default(256),
      validation: Positive.default(96),
      test: Positive.default(96),
      noise,
    })
    .superRefine(({ perIdentity, ...data }, context) => {
      for (const size of ['train', 'validation', 'test'] as const) {
        if (data[size] % perIdentity === 0) continue;
        const message = `${data[size]} images are not a whole number of identities of ${perIdentity} images`;
        context.addIssue({ code: 'custom', path: [size], message });
      }
      const identities = (data.train + data.validation + data.test) / perIdentity;
      if (identities <= WIDEST) return;
      const message = `${identities} identities are more than ${WIDEST}`;
      context.addIssue({ code: 'custom', path: ['perIdentity'], message });
    }),
]);
export type DataSpec = z.infer<typeof DataSpec>;

/** Whether labels name identities, which are in one split each. */
export function isByIdentity(data: DataSpec): boolean {
  return data.kind === 'synthetic-identities' || (data.kind === 'idx' && data.split === 'identities');
}

export const AugmentSpec = z.strictObject({
  crop: Count.default(2).describe('pixels of zero padding before a random crop; 0 turns it off'),
  flip: z.boolean().default(true).describe('mirror left-right with probability 1/2'),
  cutout: Count.default(0).describe('side of the blanked square in pixels; 0 turns it off'),
});
export type AugmentSpec = z.infer<typeof AugmentSpec>;
