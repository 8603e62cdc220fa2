import { z } from 'zod';
import { WIDEST } from '../spec/fields.js';
import { defineModel, type Layers, MOST_LAYERS } from './model.js';

/** Channels of the stem, and of the three stages before they are widened. */
const STEM = 16;
const STAGES = [16, 32, 64] as const;

/**
 * Wide residual network, depth 6n+4: three stages of n blocks of two 3x3 convolutions with strides 1, 2, 2, each behind batch norm and
 * ReLU (Zagoruyko & Komodakis 2016). Where the channels change, the shortcut is a 1x1 convolution of the activated input, without
 * batch norm. What it says of an image is the mean of each channel. Padding is symmetric.
 */
export const wrn = defineModel({
  schema: z.strictObject({
    kind: z.literal('wrn').describe('wide residual network, depth 6n+4 (Zagoruyko & Komodakis 2016)'),
    depth: z
      .int()
      .max(MOST_LAYERS)
      .refine(
        (depth) => depth >= 10 && (depth - 4) % 6 === 0,
        'depth must be 6n+4 and at least 10: 10, 16, 22, 28, 40',
      ),
    widen: z
      .int()
      .positive()
      .max(WIDEST / STAGES[2])
      .default(1)
      .describe('multiplies the channels of the stages, 16, 32 and 64'),
  }),
  features(layers, image, { depth, widen }) {
    const blocks = (depth - 4) / 6;
    let node = layers.convolution(image, 'conv0', STEM);
    for (const [stage, channels] of STAGES.entries()) {
      for (let block = 0; block < blocks; block++) {
        const stride = stage > 0 && block === 0 ? 2 : 1;
        node = preactivated(layers, node, `stage${stage + 1}/block${block}`, widen * channels, stride);
      }
    }
    return layers.globalAveragePooling(layers.relu(layers.normalisation(node, 'bn')));
  },
});

function preactivated<Node>(layers: Layers<Node>, input: Node, name: string, filters: number, stride: number): Node {
  const activated = layers.relu(layers.normalisation(input, `${name}/bn1`));
  const first = layers.convolution(activated, `${name}/conv1`, filters, { stride, padding: 'symmetric' });
  const second = layers.convolution(layers.relu(layers.normalisation(first, `${name}/bn2`)), `${name}/conv2`, filters);
  const changes = layers.shapeOf(input).channels !== filters;
  const shortcut = changes ? layers.convolution(activated, `${name}/shortcut`, filters, { size: 1, stride }) : input;
  return layers.add([second, shortcut]);
}
