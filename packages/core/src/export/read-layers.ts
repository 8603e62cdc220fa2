import { type LayersModel, tf } from '@trikd/engine';
import { z } from 'zod';
import type { ImageShape } from '../data/image-source.js';
import type { Dataset } from '../data/split.js';
import { TrikdError } from '../domain/errors.js';
import { buildModel } from '../models/build-model.js';
import type { Params } from '../models/params.js';
import { positionsOf } from '../models/positions.js';
import type { ModelSpec } from '../models/registry.js';
import type { RunSpec } from '../spec/run-spec.js';
import { taskOf } from '../tasks/task-of.js';
import {
  ACTIVATIONS,
  type ActivationName,
  type GraphNode,
  type ModelGraph,
  NORMALISED,
  type Operation,
  type Weight,
} from './model-graph.js';

type Layer = LayersModel['layers'][number];
type Value = LayersModel['outputs'][number];

/** What normalises the images of a run: see `Dataset`. */
export interface Normalisation extends ImageShape {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const PairOf = z.tuple([z.number(), z.number()]);
const Ones = z
  .union([z.literal(1), z.array(z.literal(1))])
  .optional()
  .describe('no dilation');
const ChannelsLast = z.literal('channelsLast');
const Activation = z.enum(['linear', ...ACTIVATIONS]);
const WindowConfig = z.object({
  strides: PairOf,
  padding: z.enum(['same', 'valid']),
  dataFormat: ChannelsLast,
});
const ConvolutionConfig = WindowConfig.extend({ kernelSize: PairOf, dilationRate: Ones, activation: Activation });
const PoolingConfig = WindowConfig.extend({ poolSize: PairOf });
const DenseConfig = z.object({ activation: Activation });
const NormConfig = z.object({
  epsilon: z.number(),
  center: z.literal(true).optional(),
  scale: z.literal(true).optional(),
});
const PaddingConfig = z.object({ padding: z.tuple([PairOf, PairOf]), dataFormat: ChannelsLast });

const CroppingConfig = z.object({ cropping: z.tuple([PairOf, PairOf]), dataFormat: ChannelsLast });

/** The window of a convolution that sees one pixel. */
const ONE_PIXEL = { size: [1, 1], strides: [1, 1], padding: 'valid' } as const;

/** Layers that change nothing in inference. */
const IDENTITIES = new Set([
  'Dropout',
  'SpatialDropout2D',
  'GaussianNoise',
  'GaussianDropout',
  'AlphaDropout',
  'ActivityRegularization',
]);

/** Reads a layer: what it computes, and the activation after it. */
type Reader = (layer: Layer, weight: WeightOf) => readonly Operation[];
type WeightOf = (suffix: string) => Weight | undefined;

const READERS: Readonly<Record<string, Reader>> = {
  Conv2D: (layer, weight) => convolution(layer, weight, 'convolution', 'kernel'),
  DepthwiseConv2D: (layer, weight) => convolution(layer, weight, 'depthwise-convolution', 'depthwise_kernel'),
  SeparableConv2D: (layer, weight) => {
    const { kernelSize: size, strides, padding, activation } = configOf(layer, ConvolutionConfig);
    const depthwise = { size, strides, padding, kernel: present(layer, weight, 'depthwise_kernel') } as const;
    const bias = weight('bias');
    const kernel = present(layer, weight, 'pointwise_kernel');
    return [
      { kind: 'depthwise-convolution', ...depthwise },
      { kind: 'convolution', ...ONE_PIXEL, kernel, ...(bias && { bias }) },
      ...activated(activation),
    ];
  },
  TrikdBatchNormalization: batchNorm,
  BatchNormalization: batchNorm,
  Dense(layer, weight) {
    const { activation } = configOf(layer, DenseConfig);
    const bias = weight('bias');
    const kernel = present(layer, weight, 'kernel');
    // Of the channels of each pixel it is a convolution: formats with channels before rows have no other name for it.
    const operation: Operation =
      layer.outputShape.length === 4
        ? { kind: 'convolution', ...ONE_PIXEL, kernel: { ...kernel, shape: [1, 1, ...kernel.shape] } }
        : { kind: 'dense', kernel };
    return [{ ...operation, ...(bias && { bias }) }, ...activated(activation)];
  },
  Activation: (layer) => activated(configOf(layer, DenseConfig).activation),
  ReLU: (layer) => {
    const { maxValue } = configOf(layer, z.object({ maxValue: z.union([z.literal(6), z.null()]).optional() }));
    return activated(maxValue === 6 ? 'relu6' : 'relu');
  },
  LayerNormalization(layer, weight) {
    const last = lastAxis(layer);
    const { epsilon } = configOf(layer, NormConfig.extend({ axis: z.union([last, z.tuple([last])]) }));
    const [gamma, beta] = [present(layer, weight, 'gamma'), present(layer, weight, 'beta')];
    return [{ kind: 'layer-norm', gamma, beta, epsilon }];
  },
  ELU: (layer) => {
    configOf(layer, z.object({ alpha: z.literal(1) }));
    return activated('elu');
  },
  LeakyReLU: (layer) => [{ kind: 'leaky-relu', rate: configOf(layer, z.object({ alpha: z.number() })).alpha }],
  Softmax: (layer) => {
    configOf(layer, z.object({ axis: lastAxis(layer) }));
    return activated('softmax');
  },
  TrikdPositions: (layer) => {
    const sides = configOf(layer, z.object({ height: z.number(), width: z.number() }));
    const [tokens, channels] = (layer.outputShape as number[]).slice(1) as [number, number];
    const summand = { name: 'positions', shape: [tokens, channels], data: positionsOf(sides, channels) };
    return [{ kind: 'constant-sum', summand }];
  },
  TrikdAttention: (layer) => [{ kind: 'attention', ...configOf(layer, z.object({ heads: z.number() })) }],
  Add: (layer) => merging(layer, 'add'),
  Multiply: (layer) => merging(layer, 'multiply'),
  Average: (layer) => merging(layer, 'average'),
  Maximum: (layer) => merging(layer, 'maximum'),
  Minimum: (layer) => merging(layer, 'minimum'),
  Concatenate: (layer) => {
    configOf(layer, z.object({ axis: lastAxis(layer) }));
    return [{ kind: 'concatenation' }];
  },
  MaxPooling2D: (layer) => pooling(layer, 'max-pooling'),
  AveragePooling2D: (layer) => pooling(layer, 'average-pooling'),
  GlobalAveragePooling1D: () => [{ kind: 'global-average-pooling' }],
  GlobalAveragePooling2D: () => [{ kind: 'global-average-pooling' }],
  GlobalMaxPooling1D: () => [{ kind: 'global-max-pooling' }],
  GlobalMaxPooling2D: () => [{ kind: 'global-max-pooling' }],
  ZeroPadding2D: (layer) => {
    const [[top, bottom], [left, right]] = configOf(layer, PaddingConfig).padding;
    return [{ kind: 'zero-padding', edges: { top, bottom, left, right } }];
  },
  Cropping2D: (layer) => {
    const [[top, bottom], [left, right]] = configOf(layer, CroppingConfig).cropping;
    return [{ kind: 'cropping', edges: { top, bottom, left, right } }];
  },
  Flatten: () => [{ kind: 'flatten' }],
  Reshape: () => [{ kind: 'reshape' }],
};

/**
 * Describes a model by its layers, with trained params in place of its own.
 * @param params by the names of the model's weights; others among them are ignored
 * @throws TrikdError 'invalid' that names a layer which no export format knows
 */
export function readLayers(model: LayersModel, params: Params, { mean, std, ...shape }: Normalisation): ModelGraph {
  const shared = model.layers.find(({ inboundNodes }) => inboundNodes.length > 1);
  if (shared) throw unknown(shared, 'it is applied more than once, which cannot be exported');
  const [logits, embedding] = model.outputs;
  const output = embedding ?? logits!;
  const needed = valuesBefore(model, output);
  const names = new Map<number, string>();
  const nodes: GraphNode[] = [];
  const taken = new Set(model.layers.filter(({ weights }) => weights.length > 0).map(({ name }) => name));
  for (const layer of model.layers) {
    const value = oneOf(layer.output);
    if (!needed.has(value.id)) continue;
    const inputs = listOf(layer.input).map(({ id }) => names.get(id) ?? NORMALISED);
    const steps = operationsOf(layer, params);
    let last = inputs;
    for (const operation of steps) {
      const name = nameOf(layer, operation, taken);
      nodes.push({ name, inputs: last, shape: shapeAfter(operation, value.shape.slice(1) as number[]), operation });
      last = [name];
    }
    names.set(value.id, last[0] ?? NORMALISED);
  }
  const { height, width, channels } = shape;
  return {
    image: { height, width, channels },
    scale: std.map((deviation) => Math.fround(1 / (255 * deviation))),
    shift: mean.map((value, channel) => Math.fround(-value / std[channel]!)),
    nodes,
    output: {
      name: embedding ? 'embedding' : 'logits',
      node: names.get(output.id)!,
      size: output.shape.at(-1)!,
    },
  };
}

/** Shape of what an operation of a layer puts out: a separable convolution has other channels between its two. */
function shapeAfter(operation: Operation, layer: readonly number[]): readonly number[] {
  if (operation.kind !== 'depthwise-convolution') return layer;
  const [, , channels = 0, multiplier = 0] = operation.kernel.shape;
  return [...layer.slice(0, 2), channels * multiplier];
}

/** The values that an output is computed from, itself included. */
function valuesBefore({ layers }: LayersModel, output: Value): ReadonlySet<number> {
  const needed = new Set([output.id]);
  for (const layer of layers.toReversed()) {
    if (!needed.has(oneOf(layer.output).id)) continue;
    for (const { id } of listOf(layer.input)) needed.add(id);
  }
  return needed;
}

function operationsOf(layer: Layer, params: Params): readonly Operation[] {
  const kind = layer.getClassName();
  if (kind === 'InputLayer' || IDENTITIES.has(kind)) return [];
  const read = READERS[kind];
  if (!read) throw unknown(layer, `layers of the kind ${kind} cannot be exported`);
  return read(layer, (suffix) => {
    const weight = layer.weights.find(({ originalName }) => originalName.endsWith(`/${suffix}`));
    if (!weight) return undefined;
    const tensor = params.get(weight.originalName);
    if (!(tensor?.data instanceof Float32Array)) throw unknown(layer, `there is no param ${weight.originalName}`);
    return { name: weight.originalName, shape: tensor.shape, data: tensor.data };
  });
}

function convolution(
  layer: Layer,
  weight: WeightOf,
  kind: 'convolution' | 'depthwise-convolution',
  kernelName: string,
): readonly Operation[] {
  const { kernelSize: size, strides, padding, activation } = configOf(layer, ConvolutionConfig);
  const bias = weight('bias');
  const kernel = present(layer, weight, kernelName);
  return [{ kind, size, strides, padding, kernel, ...(bias && { bias }) }, ...activated(activation)];
}

function batchNorm(layer: Layer, weight: WeightOf): readonly Operation[] {
  const { epsilon } = configOf(layer, NormConfig.extend({ axis: lastAxis(layer).optional() }));
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((suffix) =>
    present(layer, weight, suffix),
  ) as [Weight, Weight, Weight, Weight];
  return [{ kind: 'batch-norm', gamma, beta, mean, variance, epsilon }];
}

function pooling(layer: Layer, kind: 'max-pooling' | 'average-pooling'): readonly Operation[] {
  const { poolSize: size, strides, padding } = configOf(layer, PoolingConfig);
  return [{ kind, size, strides, padding }];
}

/** @throws TrikdError 'invalid' for inputs of several ranks: which axes belong together differs between programs */
function merging(layer: Layer, kind: 'add' | 'multiply' | 'average' | 'maximum' | 'minimum'): readonly Operation[] {
  const ranks = new Set(listOf(layer.input).map(({ shape }) => shape.length));
  if (ranks.size > 1) throw unknown(layer, 'inputs with different numbers of axes cannot be exported');
  return [{ kind }];
}

/** The last axis of what a layer puts out, batch included. */
function lastAxis({ outputShape }: Layer) {
  return z.union([z.literal(-1), z.literal(outputShape.length - 1)]);
}

function activated(activation: ActivationName | 'linear'): readonly Operation[] {
  return activation === 'linear' ? [] : [{ kind: 'activation', activation }];
}

function present(layer: Layer, weight: WeightOf, suffix: string): Weight {
  const found = weight(suffix);
  if (!found) throw unknown(layer, `it has no weight ${suffix}`);
  return found;
}

/**
 * A layer with weights keeps its name; tfjs counts the others in an order of its own, so they are counted again by what they do.
 * @param taken names that are in use, to which a new one is added
 */
function nameOf(layer: Layer, operation: Operation, taken: Set<string>): string {
  const { kind } = operation;
  const isFirstOfTwo = kind === 'depthwise-convolution' && layer.getClassName() === 'SeparableConv2D';
  if (layer.weights.length > 0 && kind !== 'activation' && !isFirstOfTwo) return layer.name;
  const what = kind === 'activation' ? operation.activation : kind.replaceAll('-', '_');
  const base = isFirstOfTwo ? `${layer.name}_depthwise` : what;
  let count = 0;
  while (taken.has(`${base}_${count}`)) count++;
  taken.add(`${base}_${count}`);
  return `${base}_${count}`;
}

function configOf<T>(layer: Layer, schema: z.ZodType<T>): T {
  const read = schema.safeParse(layer.getConfig());
  if (read.success) return read.data;
  const settings = read.error.issues.map(({ path }) => path.join('.'));
  throw unknown(layer, `its setting ${settings.join(', ')} cannot be exported`);
}

function listOf(values: Value | Value[]): readonly Value[] {
  return Array.isArray(values) ? values : [values];
}

function oneOf(values: Value | Value[]): Value {
  return listOf(values)[0]!;
}

function unknown(layer: Layer, problem: string): TrikdError {
  return new TrikdError('invalid', `layer ${layer.name}: ${problem}`, { layer: layer.name });
}

/**
 * The graph of a trained model.
 * @param params those of a checkpoint; optimizer slots among them are ignored
 * @throws TrikdError 'invalid' that names a layer which cannot be exported, or a param that is absent
 */
export async function graphOfRun(
  spec: RunSpec,
  dataset: Dataset,
  model: ModelSpec,
  params: Params,
): Promise<ModelGraph> {
  await tf.setBackend('cpu');
  const layers: LayersModel = buildModel(model, dataset, taskOf(spec).head(dataset), 0);
  try {
    return readLayers(layers, params, dataset);
  } finally {
    layers.dispose();
  }
}
