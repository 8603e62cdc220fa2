import { z } from 'zod';
import { Size } from './numbers.js';

/** Layers of one model, at most. He et al. 2016 trained 1,202. */
const MOST_LAYERS = 1202;

/** The network of a role. */
export const ModelSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('resnet').describe('CIFAR ResNet, depth 6n+2 (He et al. 2016)'),
    depth: z
      .int()
      .max(MOST_LAYERS)
      .refine(
        (depth) => depth >= 8 && (depth - 2) % 6 === 0,
        'depth must be 6n+2 and at least 8: 8, 14, 20, 32, 44, 56, 110',
      ),
    width: z
      .union([Size, z.tuple([Size, Size, Size, Size])])
      .default(16)
      .describe(
        'channels of the first stage, doubled by each next; or stem and three stages, such as [32, 64, 128, 256]',
      ),
  }),
  z.strictObject({
    kind: z
      .literal('plain-cnn')
      .describe('3x3 convolutions with batch norm and ReLU, 2x2 max-pooling after every second'),
    channels: z.array(Size).min(1).max(MOST_LAYERS).describe('output channels of each convolution'),
    hidden: z.array(Size).max(MOST_LAYERS).default([]).describe('units of dense layers before the classifier'),
    dropout: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe(
        'share of the inputs of each dense layer that a training step drops (Srivastava et al. 2014); default: none',
      ),
  }),
]);
export type ModelSpec = z.infer<typeof ModelSpec>;
