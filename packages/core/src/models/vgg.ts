import { z } from 'zod';
import type { ImageShape } from '../data/image-source.js';
import { defineModel, pooledAway } from './model.js';

/** Channels of the convolutions, block by block: 8 is of the distillation literature, the others are A, B, D and E of the paper. */
const BLOCKS = {
  8: [[64], [128], [256], [512], [512]],
  11: [[64], [128], [256, 256], [512, 512], [512, 512]],
  13: [
    [64, 64],
    [128, 128],
    [256, 256],
    [512, 512],
    [512, 512],
  ],
  16: [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ],
  19: [
    [64, 64],
    [128, 128],
    [256, 256, 256, 256],
    [512, 512, 512, 512],
    [512, 512, 512, 512],
  ],
} as const;

/** The shorter side from which on the fourth block is pooled, too. */
const LARGE = 64;

/**
 * VGG with batch norm (Simonyan & Zisserman 2015), as it is used on small images: 3x3 convolutions with bias, batch norm and ReLU; 2x2
 * max-pooling after each of the first three blocks, and after the fourth if both sides of the image have 64 pixels; no dense layers.
 * What it says of an image is the mean of each channel.
 */
export const vgg = defineModel({
  schema: z.strictObject({
    kind: z.literal('vgg').describe('VGG with batch norm and without dense layers (Simonyan & Zisserman 2015)'),
    depth: z.literal([8, 11, 13, 16, 19]).describe('its name in the paper, which counts two more dense layers'),
  }),
  problem: ({ depth }, image) => pooledAway(`a vgg${depth}`, poolings(image), image),
  features(layers, image, { depth }) {
    const pooled = poolings(layers.shapeOf(image));
    let node = image;
    for (const [block, channels] of BLOCKS[depth].entries()) {
      for (const [index, filters] of channels.entries()) {
        const name = `block${block}`;
        const convolved = layers.convolution(node, `${name}/conv${index}`, filters, { useBias: true });
        node = layers.relu(layers.normalisation(convolved, `${name}/bn${index}`));
      }
      if (block < pooled) node = layers.maxPooling(node);
    }
    return layers.globalAveragePooling(node);
  },
});

const poolings = ({ height, width }: ImageShape): number => (Math.min(height, width) < LARGE ? 3 : 4);
