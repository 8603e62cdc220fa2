import type { LayersModel } from '@trikd/engine';
import type { ModelSpec } from '../spec/model-spec.js';
import { LayerFactory, type Node } from './layers.js';
import type { ModelShape } from './model-shape.js';

/**
 * A plain convolutional network: 3x3 convolutions with batch norm and ReLU, 2x2 max-pooling after every second one,
 * then dense layers (the networks of Mirzadeh et al. 2020), with dropout before each of them if the spec has any.
 */
export function plainCnn(spec: ModelSpec & { kind: 'plain-cnn' }, shape: ModelShape, seed: number): LayersModel {
  const layers = new LayerFactory(seed);
  const { dropout } = spec;
  const dropped = (of: Node) => (dropout === undefined ? of : layers.dropout(of, dropout));
  const input = layers.input(shape.height, shape.width, shape.channels);
  let node: Node = input;
  for (const [index, filters] of spec.channels.entries()) {
    node = layers.relu(layers.normalisation(layers.convolution(node, `conv${index}`, filters), `bn${index}`));
    if (index % 2 === 1) node = layers.maxPooling(node);
  }
  node = dropped(layers.flatten(node));
  for (const [index, units] of spec.hidden.entries()) {
    node = dropped(layers.relu(layers.dense(node, `dense${index}`, units)));
  }
  return layers.model(input, layers.dense(node, 'classifier', shape.classes));
}
