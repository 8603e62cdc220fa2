import { z } from 'zod';
import { AugmentList, isMix, type MixSpec } from '../data/augmentations/registry.js';
import { NORMALISATIONS } from '../data/normalisation.js';
import { moduleReference } from '../models/module/module-spec.js';
import { Amount, Count, Positive, Size, WIDEST } from './fields.js';

/** Characters of a path, at most: PATH_MAX of Linux. */
const LONGEST_PATH = 4096;

/** Characters of the name of a file, at most: NAME_MAX of Linux. */
const LONGEST_NAME = 255;

/** The name under which a service registers a dataset. */
export const DatasetName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes');

/** A path of this machine. */
export const Path = z
  .string()
  .max(LONGEST_PATH)
  .regex(/^\P{Cc}*$/u, 'a path without control characters');

const name = DatasetName.optional().describe(
  'a dataset that the services have registered, or that is installed under this name',
);
const train = Positive.optional().describe('training images, drawn by seed; default: all that validation leaves');
const heldOut = Positive.optional().describe(
  'test images, only ever reported; default: all that the data set apart for tests, and where they do not, as many as validation has, held out',
);
const normalise = z
  .enum(NORMALISATIONS)
  .optional()
  .describe(
    'mean and standard deviation that pixels are normalised with; half: 0.5 and 0.5; imagenet and cifar10: the published ones; default: training, those of the training images',
  );
const fewer = Positive.default(500).describe('images of the training files held out for every decision');

/** Whether data that have no default place are named in exactly one way. */
const isNamed = ({ name, ...paths }: { readonly name?: unknown; readonly folder?: unknown; readonly file?: unknown }) =>
  (name === undefined) !== (paths.folder === undefined && paths.file === undefined);

const noise = Amount.default(64).describe('standard deviation of the noise, in pixel values');

/** Where the images come from and how they are split. Sizes count images. */
export const DataSpec = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('idx').describe('IDX files as MNIST and Fashion-MNIST ship them, plain or gzip'),
      name,
      folder: Path.optional().describe(
        'folder with the four files, where services allow paths; default: TRIKD_DATA, or what `make data` brought',
      ),
      train,
      validation: Positive.default(5000).describe('images of the training files held out for every decision'),
      test: Positive.optional().describe('test images, only ever reported; default: all'),
      normalise,
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
  z
    .strictObject({
      kind: z
        .literal('images')
        .describe(
          'a folder of PNG and JPEG files: a subfolder for each class, or `train` and `test` with such subfolders',
        ),
      name,
      folder: Path.optional().describe('the folder, where services allow paths'),
      testFolder: Path.optional().describe(
        'another folder, whose subfolders have the test images; default: `test` in the folder',
      ),
      pairs: z
        .string()
        .max(LONGEST_NAME)
        .regex(/^\w[\w.-]*\.txt$/, 'the name of a text file, such as pairs.txt')
        .optional()
        .describe(
          'with `split: identities`, a list of pairs as LFW has them, in the folder of the test images: they alone are compared; default: pairs are made',
        ),
      size: z.tuple([Size, Size]).describe('height and width in pixels to which each image is scaled'),
      channels: z.literal([1, 3]).default(3).describe('1 is grey; 3 is red, green and blue'),
      train,
      validation: fewer,
      test: heldOut,
      normalise,
      split: z
        .enum(['images', 'identities'])
        .optional()
        .describe('identities: subfolders are identities, with other ones in `test` than in `train`; default: images'),
    })
    .refine(isNamed, { path: ['folder'], message: 'data need a name or a folder, and not both' })
    .refine(({ folder, testFolder }) => testFolder === undefined || folder !== undefined, {
      path: ['testFolder'],
      message: 'a folder of test images goes with a folder, not with a name',
    })
    .refine(({ pairs, split }) => pairs === undefined || split === 'identities', {
      path: ['pairs'],
      message: 'pairs are of identities: set split to identities',
    })
    .refine(({ pairs, test }) => pairs === undefined || test === undefined, {
      path: ['test'],
      message: 'the list of pairs says which test images there are',
    }),
  z
    .strictObject({
      kind: z.literal('cifar').describe('the binary files of CIFAR-10 or CIFAR-100'),
      name,
      folder: Path.optional().describe('folder with the files, where services allow paths'),
      labels: z.enum(['fine', 'coarse']).optional().describe('of CIFAR-100: 100 classes, or 20; default: fine'),
      train,
      validation: Positive.default(5000).describe('images of the training files held out for every decision'),
      test: Positive.optional().describe('test images, only ever reported; default: all'),
      normalise,
    })
    .refine(isNamed, { path: ['folder'], message: 'data need a name or a folder, and not both' }),
  z
    .strictObject({
      kind: z
        .literal('npz')
        .describe('a NumPy file with the arrays `images` and `labels`, or those of MedMNIST or Keras'),
      name: DatasetName.optional().describe(
        'a dataset that the services have registered, or that is installed under this name: NAME.npz in its folder',
      ),
      file: Path.optional().describe('the file, where services allow paths'),
      train,
      validation: fewer,
      test: heldOut,
      normalise,
    })
    .refine(isNamed, { path: ['file'], message: 'data need a name or a file, and not both' }),
  z
    .strictObject({
      kind: z
        .literal('shards')
        .describe('files that `trikd data convert` writes, for data that do not fit into memory: pixels stay in them'),
      name,
      folder: Path.optional().describe('folder with the files, where services allow paths'),
      train,
      validation: Positive.default(5000).describe('images of the training files held out for every decision'),
      test: Positive.optional().describe('test images, only ever reported; default: all'),
      normalise,
      split: z
        .enum(['images', 'identities'])
        .optional()
        .describe('identities: labels name identities, with other ones in the test files; default: images'),
    })
    .refine(isNamed, { path: ['folder'], message: 'data need a name or a folder, and not both' }),
  z.strictObject({
    kind: z.literal('module').describe('images that a function of your own returns'),
    ...moduleReference,
    train,
    validation: fewer,
    test: heldOut,
    normalise,
    split: z
      .enum(['images', 'identities'])
      .optional()
      .describe('identities: labels name identities, with other ones in the test images; default: images'),
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

/** Data whose size is known when they are read: in files, or returned by a module. */
export type StoredData = Exclude<DataSpec, { kind: 'synthetic' | 'synthetic-identities' }>;

/** Whether the size of data is not in the spec. */
export function isStored(data: DataSpec): data is StoredData {
  return data.kind !== 'synthetic' && data.kind !== 'synthetic-identities';
}

/** Whether labels name identities, which are in one split each. */
export function isByIdentity(data: DataSpec): boolean {
  return data.kind === 'synthetic-identities' || ('split' in data && data.split === 'identities');
}

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
