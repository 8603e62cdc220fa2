import { z } from 'zod';
import { defineModel, type Layers } from './model.js';

/** Of each stage: how much its blocks expand, its channels before the width is applied, and its blocks. */
const STAGES = [
  [1, 16, 1],
  [6, 24, 2],
  [6, 32, 3],
  [6, 64, 4],
  [6, 96, 3],
  [6, 160, 3],
  [6, 320, 1],
] as const;

const STEM = 32;
const LAST = 1280;

/**
 * The two forms that are in use. `cifar` is that of the distillation literature (Tian et al. 2020): the stem and two stages halve the
 * image, every block expands, ReLU. `imagenet` is the published one: the image is halved five times, the block that expands by 1 has no
 * convolution for it, channels are multiples of 8, ReLU6.
 */
const VARIANTS = {
  cifar: { strides: [1, 1, 2, 2, 1, 2, 1], always: true, multiple: 1, activation: 'relu' },
  imagenet: { strides: [1, 2, 2, 2, 1, 2, 1], always: false, multiple: 8, activation: 'relu6' },
} as const;
type Variant = (typeof VARIANTS)[keyof typeof VARIANTS];

/**
 * MobileNetV2 (Sandler et al. 2018): inverted residual blocks of a 1x1 convolution that expands, a depthwise 3x3 one, and a 1x1 one without
 * activation. What it says of an image is the mean of each channel. Padding is symmetric.
 */
export const mobilenetV2 = defineModel({
  schema: z.strictObject({
    kind: z.literal('mobilenet-v2').describe('inverted residuals with depthwise convolutions (Sandler et al. 2018)'),
    width: z
      .number()
      .min(0.1)
      .max(4)
      .default(1)
      .describe('multiplies the channels; 0.5 in the distillation literature'),
    variant: z
      .enum(['cifar', 'imagenet'])
      .default('cifar')
      .describe(
        'cifar: for small images (Tian et al. 2020); imagenet: as published, which halves the image five times',
      ),
  }),
  features(layers, image, { width, variant }) {
    const form = VARIANTS[variant];
    const of = (channels: number) => widened(channels * width, form.multiple);
    const stem = layers.convolution(image, 'stem/conv', of(STEM), { stride: 2, padding: 'symmetric' });
    let node = layers[form.activation](layers.normalisation(stem, 'stem/bn'));
    for (const [stage, [expansion, channels, blocks]] of STAGES.entries()) {
      for (let block = 0; block < blocks; block++) {
        const stride = block === 0 ? form.strides[stage]! : 1;
        const sizes = { expansion, filters: of(channels), stride };
        node = inverted(layers, node, `stage${stage + 1}/block${block}`, sizes, form);
      }
    }
    const last = layers.convolution(node, 'last/conv', width > 1 ? of(LAST) : LAST, { size: 1 });
    return layers.globalAveragePooling(layers[form.activation](layers.normalisation(last, 'last/bn')));
  },
});

function inverted<Node>(
  layers: Layers<Node>,
  input: Node,
  name: string,
  { expansion, filters, stride }: { expansion: number; filters: number; stride: number },
  { always, activation }: Variant,
): Node {
  const { channels } = layers.shapeOf(input);
  let node = input;
  if (always || expansion !== 1) {
    const expanded = layers.convolution(node, `${name}/expand`, expansion * channels, { size: 1 });
    node = layers[activation](layers.normalisation(expanded, `${name}/expand_bn`));
  }
  const seen = layers.depthwise(node, `${name}/depthwise`, { stride, padding: 'symmetric' });
  node = layers[activation](layers.normalisation(seen, `${name}/depthwise_bn`));
  node = layers.normalisation(layers.convolution(node, `${name}/project`, filters, { size: 1 }), `${name}/project_bn`);
  return stride === 1 && channels === filters ? layers.add([input, node]) : node;
}

/** Rounded down, or to the nearest multiple that is at least 0.9 of it. */
function widened(channels: number, multiple: number): number {
  if (multiple === 1) return Math.floor(channels);
  const nearest = Math.max(multiple, Math.floor((channels + multiple / 2) / multiple) * multiple);
  return nearest < 0.9 * channels ? nearest + multiple : nearest;
}
