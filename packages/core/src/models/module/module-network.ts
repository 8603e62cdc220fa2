import { type LayersModel, type Scalar, type Tensor, tf } from '@trikd/engine';
import type { ImageShape } from '../../data/image-source.js';
import { randomWords } from '../../data/random.js';
import { messageOf, TrikdError } from '../../domain/errors.js';
import type { HeadLayer } from '../../tasks/head.js';
import { headOutputs } from '../head.js';
import type { ModelCost } from '../layer-counter.js';
import { LayerFactory, type Node } from '../layers.js';
import type { LoadedNetwork, ModuleModel } from './module-spec.js';

/** What a function of a module gets. */
export interface NetworkRequest {
  /** TensorFlow.js, the instance that models are made with. */
  readonly tf: typeof tf;
  /** Rows, columns and channels of an image. Its pixels are normalised. */
  readonly input: readonly [rows: number, columns: number, channels: number];
  /** With the head of its own: how many logits; otherwise undefined, and the model puts out a vector of any length. */
  readonly outputs: number | undefined;
  /** For initialisers and layers. Without it they draw from a generator that starts from it. */
  readonly seed: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A function of a module. */
export type MakeNetwork = (request: NetworkRequest) => unknown;

/** Most params of a model, as the limit that has them is called. */
export interface NetworkLimits {
  readonly params: number;
}

/** Names of params, as files and messages quote them. */
const NAME = /^[\w./-]{1,200}$/;

/** Params that a message lists, at most. */
const MOST_LISTED = 8;

/** Makes a function of a module ready to build models. @param make what the module exports */
export function moduleNetwork(make: MakeNetwork, limits: NetworkLimits): LoadedNetwork {
  const measured = new Map<string, ModelCost>();
  return {
    cost(spec, shape, head) {
      const { height, width, channels } = shape;
      const key = JSON.stringify([spec, height, width, channels, head]);
      const known = measured.get(key);
      if (known) return known;
      const model = onCpu(() => build(make, limits, spec, shape, head, 0));
      try {
        const cost = layersModelCost(model);
        // One run is checked many times; a service sees few modules.
        if (measured.size >= 64) measured.clear();
        measured.set(key, cost);
        return cost;
      } finally {
        model.dispose();
      }
    },
    build: (spec, shape, head, seed) => build(make, limits, spec, shape, head, seed),
    untraceable(spec, shape, head, cause) {
      const refused = refusal(spec);
      const model = onCpu(() => build(make, limits, spec, shape, head, 0));
      const layer = model.layers.find((each) => !hasGradient(each));
      model.dispose();
      const what = layer ? `layer ${layer.name}, of the kind ${layer.getClassName()}` : 'part';
      return refused(`has a ${what} that cannot be trained here: ${messageOf(cause)}`, cause);
    },
  };
}

/** Initial values are computed, whatever was traced before. */
function onCpu<T>(work: () => T): T {
  void tf.setBackend('cpu');
  return work();
}

function build(
  make: MakeNetwork,
  limits: NetworkLimits,
  spec: ModuleModel,
  shape: ImageShape,
  head: readonly HeadLayer[],
  seed: number,
): LayersModel {
  const refused = refusal(spec);
  const { height, width, channels } = shape;
  const own = spec.head === 'own';
  if (own && (head.length !== 1 || head[0]!.kind !== 'dense')) {
    throw refused('cannot have a head of its own: the task is not classification');
  }
  const request: NetworkRequest = {
    ...{ tf, input: [height, width, channels], seed, settings: { ...spec.settings } },
    outputs: own ? head[0]!.units : undefined,
  };
  const made = () => assertNetwork(called(make, request, limits, refused), request, refused);
  const network = made();
  const again = made();
  try {
    assertSame(network, again, refused);
  } catch (error) {
    network.dispose();
    throw error;
  } finally {
    again.dispose();
  }
  const taken = own ? undefined : head.find(({ name }) => network.layers.some((layer) => layer.name === name));
  if (taken) {
    network.dispose();
    throw refused(`has a layer ${taken.name}, which is a name of the head: give it another one`);
  }
  nameLayersInErrors(network, refused);
  if (own) return network;
  const outputs = headOutputs(new LayerFactory(seed), network.outputs[0] as Node, head);
  return tf.model({ inputs: network.inputs, outputs });
}

type Refused = (problem: string, cause?: unknown) => TrikdError;

function refusal({ file }: ModuleModel): Refused {
  return (problem, cause) => new TrikdError('invalid', `the model of ${file} ${problem}`, { module: file }, { cause });
}

/** Whether TensorFlow.js has the gradients of a layer with one input: they are the same for all of its backends. */
function hasGradient(layer: LayersModel['layers'][number]): boolean {
  const { input } = layer;
  if (Array.isArray(input) || layer.getClassName() === 'InputLayer') return true;
  try {
    tf.tidy(() => {
      const example = tf.ones([1, ...(input.shape.slice(1) as number[])]);
      const sum = (value: Tensor) => tf.sum(layer.call(value, { training: true }) as Tensor) as Scalar;
      tf.grad(sum)(example);
    });
    return true;
  } catch {
    return false;
  }
}

/** What all layers inherit; the method is protected in its declaration. */
const LAYER = tf.layers.Layer.prototype as unknown as {
  addWeight(name: string, shape: readonly number[], ...others: unknown[]): unknown;
};

/** Calls the function, whose draws from `Math.random` are determined by the seed: layers of TensorFlow.js draw from it by default. */
function called(make: MakeNetwork, request: NetworkRequest, limits: NetworkLimits, refused: Refused): unknown {
  const { random } = Math;
  const addWeight = LAYER.addWeight;
  let params = 0;
  let draws = 0;
  const words = new Uint32Array(4);
  Math.random = () => {
    randomWords({ purpose: 'weights', seed: request.seed, stage: 0, epoch: 0 }, draws++, words);
    return words[0]! / 2 ** 32;
  };
  LAYER.addWeight = function (...given) {
    params += sizeOfShape(given[1]);
    // Before the params are allocated.
    if (!(params <= limits.params)) throw refused(`has more params than the limit admission.params: ${limits.params}`);
    return addWeight.apply(this, given);
  };
  try {
    return make(request);
  } catch (cause) {
    if (cause instanceof TrikdError) throw cause;
    throw refused(`was not made: ${messageOf(cause)}`, cause);
  } finally {
    Math.random = random;
    LAYER.addWeight = addWeight;
  }
}

function assertNetwork(made: unknown, { input, outputs }: NetworkRequest, refused: Refused): LayersModel {
  if (made instanceof Promise) throw refused('is a promise: the function must return the model itself');
  if (!(made instanceof tf.LayersModel))
    throw refused('is no LayersModel: make it with the `tf` that the function gets');
  const problem = networkProblem(made, input, outputs);
  if (problem === undefined) return made;
  made.dispose();
  throw refused(problem);
}

function networkProblem(model: LayersModel, input: readonly number[], outputs: number | undefined): string | undefined {
  const { inputs, outputs: values } = model;
  if (!inputs?.length || !values?.length) return 'has no input: its first layer needs an inputShape';
  const [image, value] = [inputs[0]!.shape.slice(1), values[0]!.shape.slice(1)];
  if (inputs.length !== 1 || image.join() !== input.join()) {
    return `takes ${inputs.map(({ shape }) => sizes(shape.slice(1))).join(' and ')}, not one image of ${sizes(input)}`;
  }
  if (
    values.length !== 1 ||
    value.length !== 1 ||
    value[0] === null ||
    (outputs !== undefined && value[0] !== outputs)
  ) {
    const wanted = outputs === undefined ? 'a vector for each image' : `${outputs} logits for each image`;
    return `puts out ${values.map(({ shape }) => sizes(shape.slice(1))).join(' and ')}, not ${wanted}`;
  }
  if (outputs !== undefined && endsInSoftmax(model)) return 'ends in softmax: it must put out logits';
  const regular = model.layers.find((layer) => hasSetting(layer, 'Regularizer'));
  if (regular) return `has a regularizer in layer ${regular.name}: set optimizer.weightDecay instead`;
  const constrained = model.layers.find((layer) => hasSetting(layer, 'Constraint'));
  if (constrained) return `has a constraint in layer ${constrained.name}, which training does not apply: leave it out`;
  const doubled = model.layers.find((layer) => layer.inboundNodes.some(takesTwice));
  // TensorFlow.js forgets the value after its first use, except in training.
  if (doubled)
    return `has a layer ${doubled.name} that takes one value twice: apply the layer activation, linear, to it`;
  return paramsProblem(model);
}

const hasSetting = (layer: LayersModel['layers'][number], ending: string) =>
  Object.entries(layer.getConfig()).some(([name, setting]) => name.endsWith(ending) && setting);

const takesTwice = ({ inputTensors }: LayersModel['layers'][number]['inboundNodes'][number]) =>
  new Set(inputTensors).size < inputTensors.length;

function paramsProblem({ weights, trainableWeights }: LayersModel): string | undefined {
  const names = weights.map(({ originalName }) => originalName);
  if (trainableWeights.length === 0) return 'has nothing that can be trained';
  const strange = names.find((name) => !NAME.test(name));
  if (strange !== undefined) return `has a param ${strange.slice(0, 200)}: names are letters, digits, _ . / and -`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `has two params ${twice}: give each layer a name of its own`;
  const whole = weights.find(({ dtype }) => dtype !== 'float32');
  return whole && `has the param ${whole.originalName} of ${whole.dtype}, not float32`;
}

function endsInSoftmax({ layers }: LayersModel): boolean {
  const last = layers.at(-1)!;
  return last.getClassName() === 'Softmax' || last.getConfig()['activation'] === 'softmax';
}

/** Refuses a function that makes another model each time: all processes of a run, and its resume, must make the same. */
function assertSame(one: LayersModel, other: LayersModel, refused: Refused): void {
  const names = one.weights.map(({ originalName }) => originalName);
  const others = new Set(other.weights.map(({ originalName }) => originalName));
  const changed = names.filter((name) => !others.has(name));
  if (changed.length > 0 || others.size !== names.length) {
    const listed = changed.slice(0, MOST_LISTED).join(', ');
    const more = changed.length > MOST_LISTED ? ` and ${changed.length - MOST_LISTED} more` : '';
    throw refused(`names its params anew each time: give the layers of ${listed}${more} a name`);
  }
  if (shapeOf(one) !== shapeOf(other)) throw refused('has other layers each time');
  const values = new Map(other.weights.map((weight) => [weight.originalName, weight.read()]));
  const differing = one.weights.find((weight) => !isEqual(weight.read(), values.get(weight.originalName)!));
  if (differing)
    throw refused(`starts from another ${differing.originalName} each time: take its numbers from the seed`);
}

const shapeOf = ({ layers }: LayersModel) =>
  JSON.stringify(
    layers.map((layer) => [layer.getClassName(), layer.outputShape, layer.weights.map(({ shape }) => shape)]),
  );

function isEqual(one: Tensor, other: Tensor): boolean {
  const [a, b] = [one.dataSync(), other.dataSync()];
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}

/** An error while a layer is applied, of the engine or of TensorFlow.js, says which layer that is. */
function nameLayersInErrors({ layers }: LayersModel, refused: Refused): void {
  for (const layer of layers) {
    const call = layer.call.bind(layer);
    layer.call = (...given) => {
      try {
        return call(...given);
      } catch (cause) {
        if (cause instanceof TrikdError) throw cause;
        const what = `the layer ${layer.name}, of the kind ${layer.getClassName()}`;
        throw refused(`has ${what}, that cannot be trained here: ${messageOf(cause)}`, cause);
      }
    };
  }
}

const sizes = (shape: readonly (number | null)[]) => (shape.length === 0 ? 'a number' : shape.join('x'));

type Layer = LayersModel['layers'][number];
type Shape = readonly (number | null | undefined)[];

/** Layers that only look at the same numbers differently. */
const VIEWS = new Set(['InputLayer', 'Reshape', 'Flatten']);

/** Numbers in a value of a shape; an axis of unknown size counts once. */
function sizeOfShape(shape: Shape): number {
  return shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

/** What a model costs that has been built: as `LayerCounter` counts, by its layers. Multiply-adds are those of layers that every position shares. */
function layersModelCost(model: LayersModel): ModelCost {
  const { layers } = model;
  const kernels = layers.filter((layer) => layer.weights.some(({ shape }) => shape.length >= 2));
  const widths = kernels.map((layer) => shapesOf(layer)[0]!.at(-1) ?? 1);
  const sum = (weights: LayersModel['weights']) => weights.reduce((total, { shape }) => total + sizeOfShape(shape), 0);
  return {
    layers: kernels.length,
    widest: Math.max(0, ...widths.slice(0, -1)),
    params: sum(model.weights),
    trained: sum(model.trainableWeights),
    activations: layers
      .filter((layer) => !VIEWS.has(layer.getClassName()))
      .reduce((total, layer) => total + shapesOf(layer).reduce((all, shape) => all + sizeOfShape(shape), 0), 0),
    multiplyAdds: kernels.reduce((total, layer) => total + multiplyAdds(layer), 0),
  };
}

function multiplyAdds(layer: Layer): number {
  const output = shapesOf(layer)[0]!;
  const positions = sizeOfShape(output.slice(0, -1));
  return layer.weights
    .filter(({ shape }) => shape.length >= 2)
    .reduce((total, { shape }) => total + positions * sizeOfShape(shape), 0);
}

/** Of one example. */
function shapesOf({ outputShape }: Layer): readonly Shape[] {
  const shapes = (Array.isArray(outputShape[0]) ? outputShape : [outputShape]) as readonly Shape[];
  return shapes.map((shape) => shape.slice(1));
}
