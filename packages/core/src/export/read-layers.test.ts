import { tf } from '@trikd/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HostTensor, Params } from '../models/params.js';
import { readLayers } from './read-layers.js';

type Layer = InstanceType<typeof tf.layers.Layer>;
type Value = ReturnType<typeof tf.input>;

beforeAll(() => tf.setBackend('cpu'));

const [height, width, channels] = [6, 5, 2];
const normalisation = { height, width, channels, mean: [0.25, 0.5], std: [0.5, 0.25] };

/** A model of layers one after another, and params of its weights. */
function chain(...layers: readonly Layer[]) {
  const input = tf.input({ shape: [height, width, channels] });
  const output = layers.reduce((value, layer) => layer.apply(value) as Value, input);
  const model = tf.model({ inputs: input, outputs: output });
  const params: Params = new Map(
    model.weights.map((weight): [string, HostTensor] => {
      const data = new Float32Array(weight.read().size).fill(1);
      return [weight.originalName, { dtype: 'float32', shape: weight.shape as number[], data }];
    }),
  );
  return { model, params };
}

function nodesOf(...layers: readonly Layer[]) {
  const { model, params } = chain(...layers);
  return readLayers(model, params, normalisation).nodes;
}

test('pixels are normalised by one factor and one summand a channel', () => {
  const { model, params } = chain(tf.layers.flatten());
  const { scale, shift } = readLayers(model, params, normalisation);
  expect(scale).toEqual([Math.fround(1 / 127.5), Math.fround(1 / 63.75)]);
  expect(shift).toEqual([-0.5, -2]);
});

test('layers keep their names and their order, and those without weights are counted by what they do', () => {
  const nodes = nodesOf(
    tf.layers.conv2d({ name: 'a/conv', filters: 3, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu6' }),
    tf.layers.zeroPadding2d({
      padding: [
        [0, 1],
        [2, 0],
      ],
    }),
    tf.layers.maxPooling2d({ poolSize: 2, strides: 1 }),
    tf.layers.activation({ activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ name: 'head', units: 4 }),
  );
  expect(nodes.map(({ name, inputs, shape }) => [name, inputs, shape])).toEqual([
    ['a/conv', ['normalised'], [3, 3, 3]],
    ['relu6_0', ['a/conv'], [3, 3, 3]],
    ['zero_padding_0', ['relu6_0'], [4, 5, 3]],
    ['max_pooling_0', ['zero_padding_0'], [3, 4, 3]],
    ['relu_0', ['max_pooling_0'], [3, 4, 3]],
    ['flatten_0', ['relu_0'], [36]],
    ['head', ['flatten_0'], [4]],
  ]);
  expect(nodes[2]!.operation).toEqual({ kind: 'zero-padding', edges: { top: 0, bottom: 1, left: 2, right: 0 } });
});

test('dropout is gone', () => {
  const nodes = nodesOf(tf.layers.dropout({ rate: 0.5 }), tf.layers.flatten(), tf.layers.dropout({ rate: 0.1 }));
  expect(nodes).toMatchObject([{ name: 'flatten_0', inputs: ['normalised'] }]);
});

describe('a layer that no format knows is refused by name:', () => {
  test.each<[string, () => readonly Layer[]]>([
    ['layer up: layers of the kind UpSampling2D cannot be exported', () => [tf.layers.upSampling2d({ name: 'up' })]],
    [
      'layer far: its setting dilationRate cannot be exported',
      () => [tf.layers.conv2d({ name: 'far', filters: 1, kernelSize: 3, dilationRate: 2 })],
    ],
    [
      'layer soft: its setting activation cannot be exported',
      () => [tf.layers.dense({ name: 'soft', units: 2, activation: 'hardSigmoid' })],
    ],
    [
      'layer rows: its setting axis cannot be exported',
      () => [tf.layers.batchNormalization({ name: 'rows', axis: 1 })],
    ],
    [
      'layer twice: it is applied more than once, which cannot be exported',
      () => {
        const twice = tf.layers.activation({ name: 'twice', activation: 'relu' });
        return [twice, twice];
      },
    ],
  ])('%s', (message, layers) => {
    expect(() => nodesOf(...layers())).toThrow(expect.objectContaining({ kind: 'invalid', message }));
  });
});

test('a sum of an image and a vector is refused: formats differ in which axes belong together', () => {
  const input = tf.input({ shape: [height, width, channels] });
  const vector = tf.layers.globalAveragePooling2d({}).apply(input) as Value;
  const outputs = tf.layers.add({ name: 'sum' }).apply([input, vector]) as Value;
  expect(() => readLayers(tf.model({ inputs: input, outputs }), new Map(), normalisation)).toThrow(
    'layer sum: inputs with different numbers of axes cannot be exported',
  );
});

test('a layer without weights does not take the name of one with weights', () => {
  const nodes = nodesOf(
    tf.layers.conv2d({ name: 'relu_0', filters: 1, kernelSize: 1 }),
    tf.layers.activation({ activation: 'relu' }),
  );
  expect(nodes.map(({ name }) => name)).toEqual(['relu_0', 'relu_1']);
});

test('a param that a checkpoint lacks is named', () => {
  const { model } = chain(tf.layers.flatten(), tf.layers.dense({ name: 'head', units: 4 }));
  expect(() => readLayers(model, new Map(), normalisation)).toThrow('layer head: there is no param head/bias');
});
