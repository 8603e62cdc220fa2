import type { ModelSpec } from '../spec/model-spec.js';
import type { LayerFactory, Node } from './layers.js';

/**
 * A plain convolutional network: 3x3 convolutions with batch norm and ReLU, 2x2 max-pooling after every second one,
 * then dense layers (the networks of Mirzadeh et al. 2020), with dropout before each of them if the spec has any.
 */
export function plainCnn(layers: LayerFactory, input: Node, spec: ModelSpec & { kind: 'plain-cnn' }): Node {
  const { dropout } = spec;
  const dropped = (of: Node) => (dropout === undefined ? of : layers.dropout(of, dropout));
  let node: Node = input;
  for (const [index, filters] of spec.channels.entries()) {
    node = layers.relu(layers.normalisation(layers.convolution(node, `conv${index}`, filters), `bn${index}`));
    if (index % 2 === 1) node = layers.maxPooling(node);
  }
  node = dropped(layers.flatten(node));
  for (const [index, units] of spec.hidden.entries()) {
    node = dropped(layers.relu(layers.dense(node, `dense${index}`, units)));
  }
  return node;
}
