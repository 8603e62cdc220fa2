import type { ModelSpec } from '../spec/model-spec.js';
import type { LayerFactory, Node } from './layers.js';

/**
 * ResNet for small images, depth 6n+2: three stages of n basic blocks with strides 1, 2, 2 (He et al. 2016, section
 * 4.2), with a 1x1 convolution on the shortcut where the shape changes, as is usual in the distillation literature.
 * What it says of an image is the mean of each channel.
 */
export function resnet(layers: LayerFactory, input: Node, spec: ModelSpec & { kind: 'resnet' }): Node {
  const blocks = (spec.depth - 2) / 6;
  const [stem, ...stages] = typeof spec.width === 'number' ? doubling(spec.width) : spec.width;
  let node = layers.relu(layers.normalisation(layers.convolution(input, 'conv0', stem), 'bn0'));
  let channels = stem;
  for (const [stage, filters] of stages.entries()) {
    for (let block = 0; block < blocks; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      node = basicBlock(layers, node, `stage${stage + 1}/block${block}`, { channels, filters, stride });
      channels = filters;
    }
  }
  return layers.globalAveragePooling(node);
}

function doubling(width: number): [number, number, number, number] {
  return [width, width, 2 * width, 4 * width];
}

function basicBlock(
  layers: LayerFactory,
  input: Node,
  name: string,
  { channels, filters, stride }: { channels: number; filters: number; stride: number },
): Node {
  const first = layers.convolution(input, `${name}/conv1`, filters, { stride });
  const activated = layers.relu(layers.normalisation(first, `${name}/bn1`));
  const second = layers.normalisation(layers.convolution(activated, `${name}/conv2`, filters), `${name}/bn2`);
  const changes = stride !== 1 || channels !== filters;
  const shortcut = changes
    ? layers.normalisation(
        layers.convolution(input, `${name}/shortcut`, filters, { size: 1, stride }),
        `${name}/shortcut_bn`,
      )
    : input;
  return layers.relu(layers.add([second, shortcut]));
}
