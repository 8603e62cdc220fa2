import type { LayersModel } from '@trikd/engine';
import { z } from 'zod';
import type { ImageShape } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import type { Params } from '../models/params.js';
import type { ActivationName, GraphNode, ModelGraph, Operation, Weight } from './model-graph.js';
import { NORMALISED } from './model-graph.js';

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
const Activation = z.enum(['linear', 'relu', 'relu6']);
const WindowConfig = z.object({
  strides: PairOf,
  padding: z.enum(['same', 'valid']),
  dataFormat: ChannelsLast,
});
const ConvolutionConfig = WindowConfig.extend({ kernelSize: PairOf, dilationRate: Ones, activation: Activation });
const PoolingConfig = WindowConfig.extend({ poolSize: PairOf });
const DenseConfig = z.object({ activation: Activation });
const BatchNormConfig = z.object({
  epsilon: z.number(),
  center: z.literal(true).optional(),
  scale: z.literal(true).optional(),
});
const PaddingConfig = z.object({ padding: z.tuple([PairOf, PairOf]), dataFormat: ChannelsLast });

const CroppingConfig = z.object({ cropping: z.tuple([PairOf, PairOf]), dataFormat: ChannelsLast });

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
  TrikdBatchNormalization: batchNorm,
  BatchNormalization: batchNorm,
  Dense(layer, weight) {
    const { activation } = configOf(layer, DenseConfig);
    const bias = weight('bias');
    return [
      { kind: 'dense', kernel: present(layer, weight, 'kernel'), ...(bias && { bias }) },
      ...activated(activation),
    ];
  },
  Activation: (layer) => activated(configOf(layer, DenseConfig).activation),
  ReLU: (layer) => {
    const { maxValue } = configOf(layer, z.object({ maxValue: z.union([z.literal(6), z.null()]).optional() }));
    return activated(maxValue === 6 ? 'relu6' : 'relu');
  },
  Add: () => [{ kind: 'add' }],
  Concatenate: (layer) => {
    configOf(layer, z.object({ axis: z.union([z.literal(-1), z.literal(3)]) }));
    return [{ kind: 'concatenation' }];
  },
  MaxPooling2D: (layer) => pooling(layer, 'max-pooling'),
  AveragePooling2D: (layer) => pooling(layer, 'average-pooling'),
  GlobalAveragePooling2D: () => [{ kind: 'global-average-pooling' }],
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
  const [logits, embedding] = model.outputs;
  const output = embedding ?? logits!;
  const needed = valuesBefore(model, output);
  const names = new Map<number, string>();
  const nodes: GraphNode[] = [];
  const counts = new Map<string, number>();
  for (const layer of model.layers) {
    const value = oneOf(layer.output);
    if (!needed.has(value.id)) continue;
    const inputs = listOf(layer.input).map(({ id }) => names.get(id) ?? NORMALISED);
    const steps = operationsOf(layer, params);
    let last = inputs;
    for (const operation of steps) {
      const name = nameOf(layer, operation, counts);
      nodes.push({ name, inputs: last, shape: value.shape.slice(1) as number[], operation });
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
  const { epsilon } = configOf(layer, BatchNormConfig);
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((suffix) =>
    present(layer, weight, suffix),
  ) as [Weight, Weight, Weight, Weight];
  return [{ kind: 'batch-norm', gamma, beta, mean, variance, epsilon }];
}

function pooling(layer: Layer, kind: 'max-pooling' | 'average-pooling'): readonly Operation[] {
  const { poolSize: size, strides, padding } = configOf(layer, PoolingConfig);
  return [{ kind, size, strides, padding }];
}

function activated(activation: ActivationName | 'linear'): readonly Operation[] {
  return activation === 'linear' ? [] : [{ kind: 'activation', activation }];
}

function present(layer: Layer, weight: WeightOf, suffix: string): Weight {
  const found = weight(suffix);
  if (!found) throw unknown(layer, `it has no weight ${suffix}`);
  return found;
}

/** A layer with weights keeps its name; tfjs counts the others in an order of its own, so they are counted again by what they do. */
function nameOf(layer: Layer, operation: Operation, counts: Map<string, number>): string {
  const { kind } = operation;
  if (layer.weights.length > 0 && kind !== 'activation') return layer.name;
  const what = kind === 'activation' ? operation.activation : kind.replaceAll('-', '_');
  const count = counts.get(what) ?? 0;
  counts.set(what, count + 1);
  return `${what}_${count}`;
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
