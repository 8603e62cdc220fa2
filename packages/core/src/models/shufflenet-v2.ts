import { z } from 'zod';
import { convolved } from './blocks.js';
import { defineModel, type Layers, type Window } from './model.js';

const STEM = 24;

/** Blocks of each stage, the one that halves the image among them. */
const BLOCKS = [4, 8, 4] as const;

/** By width: channels of the stages and of the last convolution. */
const CHANNELS = {
  0.5: [48, 96, 192, 1024],
  1: [116, 232, 464, 1024],
  1.5: [176, 352, 704, 1024],
  2: [244, 488, 976, 2048],
} as const;

/**
 * ShuffleNetV2 (Ma et al. 2018): a block leaves half of its channels as they are, convolves the others by 1x1, depthwise 3x3 and 1x1, and
 * interleaves both. What it says of an image is the mean of each channel. Padding is symmetric.
 */
export const shufflenetV2 = defineModel({
  schema: z.strictObject({
    kind: z.literal('shufflenet-v2').describe('half of the channels pass each block as they are (Ma et al. 2018)'),
    width: z.literal([0.5, 1, 1.5, 2]).default(1).describe('which of the published numbers of channels'),
    variant: z
      .enum(['cifar', 'imagenet'])
      .default('cifar')
      .describe(
        'cifar: a 1x1 stem (Tian et al. 2020); imagenet: a 3x3 stem and max-pooling, which halve the image twice',
      ),
  }),
  features(layers, image, { width, variant }) {
    const [...channels] = CHANNELS[width];
    const last = channels.pop()!;
    let node = stem(layers, image, variant);
    for (const [stage, filters] of channels.entries()) {
      node = halving(layers, node, `stage${stage + 1}/block0`, filters);
      for (let block = 1; block < BLOCKS[stage]!; block++) {
        node = interleaved(layers, node, `stage${stage + 1}/block${block}`, filters / 2);
      }
    }
    return layers.globalAveragePooling(convolved(layers, node, 'last', last, { size: 1 }));
  },
});

function stem<Node>(layers: Layers<Node>, image: Node, variant: 'cifar' | 'imagenet'): Node {
  if (variant === 'cifar') return convolved(layers, image, 'stem', STEM, { size: 1 });
  const halved: Window = { size: 3, stride: 2, padding: 'symmetric' };
  return layers.maxPooling(convolved(layers, image, 'stem', STEM, halved), halved);
}

function interleaved<Node>(layers: Layers<Node>, input: Node, name: string, filters: number): Node {
  const branch = seen(layers, layers.half(input, 'second'), `${name}/right`, filters, 1);
  return layers.interleave(layers.half(input, 'first'), branch);
}

/** Both branches see all channels, and each puts out half of those of the block. */
function halving<Node>(layers: Layers<Node>, input: Node, name: string, channels: number): Node {
  const filters = channels / 2;
  const narrowed = layers.depthwise(input, `${name}/left/depthwise`, { stride: 2, padding: 'symmetric' });
  const normalised = layers.normalisation(narrowed, `${name}/left/depthwise_bn`);
  const left = convolved(layers, normalised, `${name}/left/last`, filters, { size: 1 });
  return layers.interleave(left, seen(layers, input, `${name}/right`, filters, 2));
}

function seen<Node>(layers: Layers<Node>, input: Node, name: string, filters: number, stride: number): Node {
  const first = convolved(layers, input, `${name}/first`, filters, { size: 1 });
  const depthwise = layers.depthwise(first, `${name}/depthwise`, { stride, padding: 'symmetric' });
  const normalised = layers.normalisation(depthwise, `${name}/depthwise_bn`);
  return convolved(layers, normalised, `${name}/last`, filters, { size: 1 });
}
