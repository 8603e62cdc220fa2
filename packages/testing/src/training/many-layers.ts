import { type MakeNetwork, moduleNetwork } from '@trikd/core/models/module/module-network';
import { addNetwork } from '@trikd/core/models/module/module-spec';
import type { LayersModel } from '@trikd/engine';
import type { RandomModelSettings } from './random-model.js';

type Layer = LayersModel['layers'][number];
type Value = LayersModel['outputs'][number];

/** Layers of every kind that the models of the registry lack and that can be exported, for images with sides of 8 pixels or more. */
const manyLayers: MakeNetwork = ({ tf, input }) => {
  const { layers: L } = tf;
  const through = (value: Value, ...layers: readonly Layer[]) =>
    layers.reduce((each, layer) => layer.apply(each) as Value, value);
  const image = tf.input({ shape: [...input] });
  const stem = through(
    image,
    L.separableConv2d({
      ...{ name: 'stem', filters: 6, kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2 },
      activation: 'selu',
    }),
    L.layerNormalization({ name: 'stem_norm' }),
    L.leakyReLU({ alpha: 0.2 }),
    L.dense({ name: 'pixels', units: 6, activation: 'tanh' }),
    // Named as the first addition would be.
    L.conv2d({ name: 'add_0', filters: 6, kernelSize: 1, activation: 'softmax' }),
  );
  const gate = through(
    stem,
    L.globalAveragePooling2d({}),
    L.reshape({ targetShape: [1, 1, 6] }),
    L.dense({ name: 'gate', units: 6, activation: 'sigmoid' }),
  );
  const norm = through(L.multiply().apply([stem, gate]) as Value, L.batchNormalization({ name: 'norm' }));
  const three = [stem, norm, through(norm, L.elu())];
  const ends = [L.maximum(), L.minimum(), L.average(), L.add()].map((layer) => layer.apply(three) as Value);
  const both = L.concatenate().apply(ends) as Value;
  const [rows = 0, columns = 0, channels = 0] = both.shape.slice(1) as number[];
  const tokens = through(
    both,
    L.reshape({ targetShape: [rows * columns, channels] }),
    L.layerNormalization({ name: 'token_norm' }),
    L.dense({ name: 'tokens', units: 5, activation: 'gelu' }),
    L.batchNormalization({ name: 'token_batch_norm' }),
    L.softmax({ axis: -1 }),
  );
  const vectors = [
    ...[L.globalMaxPooling2d({}), L.globalAveragePooling2d({})].map((layer) => layer.apply(both) as Value),
    ...[L.globalMaxPooling1d({}), L.globalAveragePooling1d({})].map((layer) => layer.apply(tokens) as Value),
  ];
  const outputs = through(
    L.concatenate().apply(vectors) as Value,
    L.dense({ name: 'vectors', units: 12, activation: 'swish' }),
    L.batchNormalization({ name: 'vector_norm' }),
    L.activation({ activation: 'softplus' }),
    L.activation({ activation: 'softsign' }),
  );
  return tf.model({ inputs: image, outputs });
};

const model = { kind: 'module', file: 'many-layers.ts', sha256: '0'.repeat(64) } as const;

/** The model of a module as if it had been read from a file. */
export function manyLayersModel(): RandomModelSettings['model'] {
  addNetwork(model, moduleNetwork(manyLayers, { params: 1e6 }));
  return model;
}
