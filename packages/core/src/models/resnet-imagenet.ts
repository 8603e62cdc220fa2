import { z } from 'zod';
import { Size } from '../spec/fields.js';
import { basicBlock, bottleneck, convolved } from './blocks.js';
import { defineModel, type Layers, type Window } from './model.js';

/** Blocks of each stage. */
const STAGES = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
} as const;

/** From this depth on, blocks are bottlenecks. */
const DEEP = 50;

/**
 * ResNet for larger images (He et al. 2016, section 3.3): a stem that halves the image twice, then four stages with strides 1, 2, 2, 2. The
 * stride of a bottleneck is that of its 3x3 convolution, as in the public code (v1.5). What it says of an image is the mean of each
 * channel. Padding is symmetric.
 */
export const resnetImagenet = defineModel({
  schema: z.strictObject({
    kind: z.literal('resnet-imagenet').describe('ResNet for larger images (He et al. 2016)'),
    depth: z.literal([18, 34, 50, 101, 152]).describe('basic blocks up to 34, then bottlenecks'),
    width: Size.max(2048).default(64).describe('channels of the stem and the first stage, doubled by each next'),
    stem: z
      .enum(['7x7', '3x3'])
      .default('7x7')
      .describe('7x7: with stride 2 and max-pooling; 3x3: keeps the size, for small images (Tian et al. 2020)'),
  }),
  features(layers, image, { depth, width, stem }) {
    const block = depth < DEEP ? basicBlock : bottleneck;
    let node = stemOf(layers, image, width, stem);
    for (const [stage, blocks] of STAGES[depth].entries()) {
      for (let index = 0; index < blocks; index++) {
        const stride = stage > 0 && index === 0 ? 2 : 1;
        const sizes = { filters: width * 2 ** stage, stride, padding: 'symmetric' } as const;
        node = block(layers, node, `stage${stage + 1}/block${index}`, sizes);
      }
    }
    return layers.globalAveragePooling(node);
  },
});

function stemOf<Node>(layers: Layers<Node>, image: Node, filters: number, stem: '7x7' | '3x3'): Node {
  if (stem === '3x3') return convolved(layers, image, 'stem', filters);
  const halved: Window = { stride: 2, padding: 'symmetric' };
  return layers.maxPooling(convolved(layers, image, 'stem', filters, { ...halved, size: 7 }), { ...halved, size: 3 });
}
