import { z } from 'zod';
import { Positive } from './numbers.js';

/** The network of a role. */
export const ModelSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('resnet').describe('CIFAR ResNet, depth 6n+2 (He et al. 2016)'),
    depth: z
      .int()
      .refine(
        (depth) => depth >= 8 && (depth - 2) % 6 === 0,
        'depth must be 6n+2 and at least 8: 8, 14, 20, 32, 44, 56, 110',
      ),
    width: z
      .union([Positive, z.tuple([Positive, Positive, Positive, Positive])])
      .default(16)
      .describe(
        'channels of the first stage, doubled by each next; or stem and three stages, such as [32, 64, 128, 256]',
      ),
  }),
  z.strictObject({
    kind: z
      .literal('plain-cnn')
      .describe('3x3 convolutions with batch norm and ReLU, 2x2 max-pooling after every second'),
    channels: z.array(Positive).min(1).describe('output channels of each convolution'),
    hidden: z.array(Positive).default([]).describe('units of dense layers before the classifier'),
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
