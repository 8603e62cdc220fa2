import { z } from 'zod';
import { Size } from '../spec/fields.js';
import { basicBlock } from './blocks.js';
import { defineModel, MOST_LAYERS } from './model.js';

/**
 * ResNet for small images, depth 6n+2: three stages of n basic blocks with strides 1, 2, 2 (He et al. 2016, section
 * 4.2), with a 1x1 convolution on the shortcut where the shape changes, as is usual in the distillation literature.
 * What it says of an image is the mean of each channel.
 */
export const resnet = defineModel({
  schema: z.strictObject({
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
    padding: z
      .enum(['same', 'symmetric'])
      .optional()
      .describe('where a stride of 2 meets an even side: as TensorFlow pads it, or as PyTorch does; default: same'),
  }),
  features(layers, image, { depth, width, padding = 'same' }) {
    const blocks = (depth - 2) / 6;
    const [stem, ...stages] = typeof width === 'number' ? [width, width, 2 * width, 4 * width] : width;
    let node = layers.relu(layers.normalisation(layers.convolution(image, 'conv0', stem), 'bn0'));
    for (const [stage, filters] of stages.entries()) {
      for (let block = 0; block < blocks; block++) {
        const stride = stage > 0 && block === 0 ? 2 : 1;
        node = basicBlock(layers, node, `stage${stage + 1}/block${block}`, { filters, stride, padding });
      }
    }
    return layers.globalAveragePooling(node);
  },
});
