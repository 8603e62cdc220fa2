import type { layers, Tensor } from '@tensorflow/tfjs';
import { EngineError } from '../errors.js';
import { type ActiveGraph, activeGraph, type Draws } from '../graph/active-graph.js';
import { drawsFor } from '../graph/random-draws.js';
import { tf } from './tf.js';

type Layer = layers.Layer;
/** The settings of a layer, as its configuration spells them. */
interface Settings {
  readonly rate?: unknown;
  readonly stddev?: unknown;
}
type Noise = (input: Tensor, settings: Settings, draws: Draws, shape: readonly number[]) => Tensor;

/** SELU's α·λ (Klambauer et al. 2017): what a dropped unit of AlphaDropout becomes is its negative. */
const ALPHA = 1.6732632423543772 * 1.0507009873554805;

/** Srivastava et al. 2014, with the scale at training. */
const dropout: Noise = (input, { rate }, draws, shape) => {
  const kept = tf.cast(tf.greaterEqual(draws.uniform(shape), number(rate)), 'float32');
  return tf.mul(input, tf.div(kept, 1 - number(rate)));
};

/** The layers of tfjs that draw, by class name. */
const NOISE: Readonly<Record<string, Noise>> = {
  Dropout: dropout,
  // Whole channels: its noise has one step in time.
  SpatialDropout1D: dropout,
  GaussianNoise: (input, { stddev }, draws, shape) => tf.add(input, tf.mul(draws.normal(shape), number(stddev))),
  GaussianDropout: (input, { rate }, draws, shape) => {
    const stddev = Math.sqrt(number(rate) / (1 - number(rate)));
    return tf.mul(input, tf.add(tf.mul(draws.normal(shape), stddev), 1));
  },
  AlphaDropout: (input, { rate }, draws, shape) => {
    const kept = tf.cast(tf.greaterEqual(draws.uniform(shape), number(rate)), 'float32');
    const scale = ((1 - number(rate)) * (1 + number(rate) * ALPHA ** 2)) ** -0.5;
    const dropped = tf.mul(tf.sub(kept, 1), ALPHA);
    return tf.add(tf.mul(tf.add(tf.mul(input, kept), dropped), scale), scale * ALPHA * number(rate));
  },
};

for (const [name, noise] of Object.entries(NOISE)) drawInGraph(name, noise);

/**
 * Replaces the `call` of a layer while a graph is traced: tfjs would draw on the host, once, and every run would have the same numbers.
 * Elsewhere the layer is what it was.
 */
function drawInGraph(className: string, noise: Noise): void {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!entry) throw new Error(`tfjs-layers has no ${className} any more`);
  const prototype = entry[0].prototype as Layer;
  const { call } = prototype;
  prototype.call = function (this: Layer, inputs, options) {
    const graph = activeGraph();
    if (!graph) return call.call(this, inputs, options);
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    return options['training'] === true ? withNoise(graph, this, input, noise) : input;
  };
}

function withNoise(graph: ActiveGraph, layer: Layer, input: Tensor, noise: Noise): Tensor {
  // The fields of a layer are protected in its declaration; its configuration has them under the same names.
  const settings: Settings = layer.getConfig();
  if (settings.stddev === undefined && number(settings.rate) === 0) return input;
  return noise(input, settings, drawsFor(graph, layer.name), noiseShape(layer, input));
}

function noiseShape(layer: Layer, input: Tensor): readonly number[] {
  if (layer.getClassName() === 'SpatialDropout1D') return [input.shape[0]!, 1, input.shape[2]!];
  // Not in every configuration.
  const own: unknown = Reflect.get(layer, 'noiseShape');
  if (!Array.isArray(own)) return input.shape;
  return own.map((size, axis) => number(size ?? input.shape[axis]));
}

function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new EngineError('INTERNAL', `a setting of a layer is ${String(value)}, not a number`);
}

/**
 * How often tfjs-layers has used each name. It appends numbers to the names of weights and symbolic tensors to keep them unique, and
 * keeps every name: some kilobytes for each model built.
 */
const GIVEN = findGiven();

/** Records what tfjs-layers remembers. The returned function makes it forget all models built since; dispose of them first. */
export function noteModels(): () => void {
  const before = [...GIVEN];
  return () => {
    forgetLastApplied();
    GIVEN.clear();
    for (const [name, times] of before) GIVEN.set(name, times);
  };
}

/** The map is no export of tfjs-layers: it is seen when a name is written into it. */
function findGiven(): Map<string, number> {
  const probe = 'trikd-probe';
  const { set } = Map.prototype;
  let given: Map<string, number> | undefined;
  Map.prototype.set = function (key, value) {
    if (key === probe) given = this;
    return set.call(this, key, value);
  };
  try {
    tf.input({ name: probe, shape: [1] });
  } finally {
    Map.prototype.set = set;
  }
  if (!given) throw new Error('tfjs-layers keeps its names in no map any more: see what it keeps of a model now');
  given.delete(probe);
  return given;
}

// tfjs-layers caches the order in which layers are applied for its last hundred models, by the names of their tensors, and so keeps the
// models alive. The cache has at least one entry, and a new model with the same names would get it.
tf.env().set('TOPOLOGICAL_SORT_CACHE_MAX_ENTRIES', 1);

const input = tf.input({ shape: [1] });
const output = tf.layers.activation({ activation: 'linear' }).apply(input) as typeof input;
const nothing = tf.model({ inputs: input, outputs: output });

/** Applies a permanent model, which takes the only entry of the cache. */
function forgetLastApplied(): void {
  tf.tidy(() => {
    nothing.apply(tf.zeros([1, 1]));
  });
}
