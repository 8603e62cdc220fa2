import { type LayersModel, type Tensor, tf } from '@trikd/engine';
import { elementCount } from '../checkpoint/tensor-types.js';
import {
  bytesOf,
  type ExportFiles,
  type ExportMetadata,
  float16Bits,
  isReduced,
  type Precision,
  quantised,
} from './export-format.js';
import {
  type Edges,
  type GraphNode,
  IMAGES,
  type ModelGraph,
  NORMALISED,
  type Operation,
  type Weight,
  weightsOf,
} from './model-graph.js';

type Layer = InstanceType<typeof tf.layers.Layer>;
type Value = ReturnType<typeof tf.input>;

/** The files of a LayersModel, as TensorFlow.js names them. */
export const TOPOLOGY_FILE = 'model.json';
const DATA_FILE = 'weights.bin';

/**
 * A LayersModel of TensorFlow.js, made of its own layers alone: `tf.loadLayersModel('model.json')` reads it in a browser. Its input is
 * float32 [batch, rows, columns, channels] with values 0..255: TensorFlow.js has no uint8.
 * @returns content by file name
 */
export async function layersModelFiles(
  graph: ModelGraph,
  precision: Precision = 'float32',
  metadata: ExportMetadata = {},
): Promise<ExportFiles> {
  await tf.setBackend('cpu');
  const model = layersModel(precision === 'int8' ? withScaledKernels(graph) : graph);
  try {
    let saved: Parameters<Parameters<typeof tf.io.withSaveHandler>[0]>[0] | undefined;
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    const { modelTopology, weightSpecs = [], weightData } = saved!;
    const all = Buffer.concat([weightData ?? []].flat().map((part) => new Uint8Array(part)));
    let offset = 0;
    const parts = weightSpecs.map(({ name, shape }) => {
      const begin = offset;
      offset += 4 * elementCount(shape);
      const bytes = new Uint8Array(all.subarray(begin, offset));
      return { name, shape, data: new Float32Array(bytes.buffer) };
    });
    const manifest = weightSpecs.map(({ name, shape, dtype }) => ({
      ...{ name, shape, dtype },
      ...(isReduced({ shape }, precision) && { quantization: quantization(precision) }),
    }));
    const topology = {
      format: 'layers-model',
      generatedBy: 'trikd',
      convertedBy: null,
      modelTopology,
      userDefinedMetadata: metadata,
      weightsManifest: [{ paths: [DATA_FILE], weights: manifest }],
    };
    const data = parts.map((part) => bytesOf(isReduced(part, precision) ? reduced(part, precision) : part.data));
    return new Map([
      [TOPOLOGY_FILE, Buffer.from(JSON.stringify(topology))],
      [DATA_FILE, Buffer.concat(data)],
    ]);
  } finally {
    model.dispose();
  }
}

/** Loads what `layersModelFiles` wrote, as a browser would. */
export async function loadLayersModel(files: ExportFiles): Promise<LayersModel> {
  await tf.setBackend('cpu');
  const topology = JSON.parse(Buffer.from(files.get(TOPOLOGY_FILE)!).toString()) as {
    readonly modelTopology: object;
    readonly weightsManifest: readonly [{ readonly weights: Parameters<typeof tf.io.fromMemory>[1] }];
  };
  const { modelTopology, weightsManifest } = topology;
  const weightData = Uint8Array.from(files.get(DATA_FILE)!).buffer;
  const weightSpecs = weightsManifest[0].weights ?? [];
  return tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
}

/** Rows that a model of TensorFlow.js computes between two reports. */
const ROWS = 16;

/**
 * The outputs of a LayersModel for images, by the kernels of TensorFlow.js in JavaScript.
 * @param images of uint8, one after another
 * @param done receives the number of images that are done
 */
export async function layersModelOutputs(
  model: LayersModel,
  graph: ModelGraph,
  images: Uint8Array,
  done: (images: number) => void = () => undefined,
): Promise<Float32Array> {
  await tf.setBackend('cpu');
  const { height, width, channels } = graph.image;
  const size = height * width * channels;
  const count = images.length / size;
  const outputs = new Float32Array(count * graph.output.size);
  for (let first = 0; first < count; first += ROWS) {
    const rows = Math.min(ROWS, count - first);
    const pixels = Float32Array.from(images.subarray(first * size, (first + rows) * size));
    const values = tf.tidy(() => {
      const input = tf.tensor4d(pixels, [rows, height, width, channels]);
      return (model.predict(input, { batchSize: rows }) as Tensor).dataSync() as Float32Array;
    });
    outputs.set(values, first * graph.output.size);
    done(first + rows);
    await new Promise((resume) => setImmediate(resume));
  }
  return outputs;
}

function layersModel(graph: ModelGraph): LayersModel {
  const { image, scale, shift, nodes, output } = graph;
  const { height, width, channels } = image;
  const input = tf.input({ name: IMAGES, shape: [height, width, channels] });
  const normalise = tf.layers.batchNormalization({ name: NORMALISED, epsilon: 0 });
  const values = new Map([[NORMALISED, normalise.apply(input) as Value]]);
  const vectors = [scale, shift, scale.map(() => 0), scale.map(() => 1)];
  assign(
    normalise,
    vectors.map((vector) => ({ shape: [channels], data: Float32Array.from(vector) })),
  );
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => values.get(name)!);
    values.set(node.name, applied(node, inputs));
  }
  return tf.model({ name: 'model', inputs: input, outputs: values.get(output.node)! });
}

/** The value of a node. Some take several layers of TensorFlow.js. */
function applied(node: GraphNode, inputs: readonly Value[]): Value {
  const { name, shape, operation } = node;
  if (operation.kind === 'attention') return attended(name, inputs[0]!, shape, operation.heads);
  if (operation.kind === 'constant-sum') {
    const { data } = operation.summand;
    const numbers = data.length;
    const flat = through(tf.layers.reshape({ name: `${name}/numbers`, targetShape: [numbers] }), inputs[0]!);
    const sum = scaling(`${name}/sum`, flat, new Float32Array(numbers).fill(1), data);
    return through(tf.layers.reshape({ name, targetShape: [...shape] }), sum);
  }
  const layer = layerOf(node, operation, inputs[0]!.shape.length - 1);
  const value = layer.apply(inputs.length === 1 ? inputs[0]! : [...inputs]) as Value;
  assign(layer, weightsOf(operation));
  return value;
}

const through = (layer: Layer, input: Value | Value[]) => layer.apply(input) as Value;

/** value · gamma + beta along the last axis, as a batch norm computes it. */
function scaling(name: string, input: Value, gamma: Float32Array, beta: Float32Array): Value {
  const layer = tf.layers.batchNormalization({ name, epsilon: 0 });
  const value = through(layer, input);
  const vectors = [gamma, beta, new Float32Array(gamma.length), new Float32Array(gamma.length).fill(1)];
  assign(
    layer,
    vectors.map((data) => ({ shape: [data.length], data })),
  );
  return value;
}

/** TensorFlow.js has no layer of attention: each head is dot products of columns of its input. */
function attended(name: string, input: Value, [tokens = 0, width = 0]: readonly number[], heads: number): Value {
  const each = width / heads;
  const image = through(tf.layers.reshape({ name: `${name}/columns`, targetShape: [tokens, 3 * width, 1] }), input);
  const mixed = Array.from({ length: heads }, (_, head) => {
    const [queries, keys, values] = ['queries', 'keys', 'values'].map((part, index) => {
      const first = index * width + head * each;
      const place = `${name}/head${head}/${part}`;
      const sides: [number, number] = [first, 3 * width - first - each];
      const cut = through(tf.layers.cropping2D({ name: `${place}/cut`, cropping: [[0, 0], sides] }), image);
      return through(tf.layers.reshape({ name: place, targetShape: [tokens, each] }), cut);
    }) as [Value, Value, Value];
    const part = (what: string) => `${name}/head${head}/${what}`;
    const length = new Float32Array(each);
    const scaled = scaling(part('scaled'), queries, length.slice().fill(1 / Math.sqrt(each)), length);
    const scores = through(tf.layers.dot({ name: part('scores'), axes: [2, 2] }), [scaled, keys]);
    const weights = through(tf.layers.activation({ name: part('weights'), activation: 'softmax' }), scores);
    return through(tf.layers.dot({ name: part('mixed'), axes: [2, 1] }), [weights, values]);
  });
  return heads === 1 ? mixed[0]! : through(tf.layers.concatenate({ name, axis: -1 }), mixed);
}

/** How a manifest of weights says that a kernel is stored in fewer bits. */
function quantization(precision: Precision): object {
  const stored = precision === 'int8' ? { dtype: 'uint8', min: -127, scale: 1 } : { dtype: 'float16' };
  return { ...stored, original_dtype: 'float32' };
}

/** A kernel in fewer bits. Of 8 bits it has whole numbers from -127 to 127. */
function reduced(kernel: Weight, precision: Precision): Uint8Array | Uint16Array {
  return precision === 'int8' ? Uint8Array.from(kernel.data, (value) => value + 127) : float16Bits(kernel);
}

function assign(
  layer: Layer,
  weights: readonly { readonly shape: readonly number[]; readonly data: Float32Array }[],
): void {
  const tensors = weights.map(({ shape, data }) => tf.tensor(data, [...shape]));
  layer.setWeights(tensors);
  for (const tensor of tensors) tensor.dispose();
}

function layerOf(
  { name, shape }: GraphNode,
  operation: Exclude<Operation, { readonly kind: 'attention' | 'constant-sum' }>,
  inputRank: number,
): Layer {
  const zeros = 'zeros' as const;
  switch (operation.kind) {
    case 'convolution':
      return tf.layers.conv2d({
        ...{ name, filters: operation.kernel.shape[3]!, kernelInitializer: zeros },
        ...windowOf(operation),
        useBias: operation.bias !== undefined,
      });
    case 'depthwise-convolution':
      return tf.layers.depthwiseConv2d({
        ...{ name, depthMultiplier: operation.kernel.shape[3]!, depthwiseInitializer: zeros },
        ...windowOf(operation),
        useBias: operation.bias !== undefined,
      });
    case 'batch-norm':
      return tf.layers.batchNormalization({ name, epsilon: operation.epsilon });
    case 'max-pooling':
    case 'average-pooling': {
      const { kernelSize: poolSize, strides, padding } = windowOf(operation);
      const settings = { name, poolSize, strides, padding };
      return operation.kind === 'max-pooling' ? tf.layers.maxPooling2d(settings) : tf.layers.averagePooling2d(settings);
    }
    case 'dense': {
      const { kernel, bias } = operation;
      return tf.layers.dense({
        ...{ name, units: kernel.shape[1]!, kernelInitializer: zeros },
        useBias: bias !== undefined,
      });
    }
    case 'layer-norm':
      return tf.layers.layerNormalization({ name, epsilon: operation.epsilon });
    case 'activation':
      return tf.layers.activation({ name, activation: operation.activation });
    case 'leaky-relu':
      return tf.layers.leakyReLU({ name, alpha: operation.rate });
    case 'zero-padding':
      return tf.layers.zeroPadding2d({ name, padding: sidesOf(operation.edges) });
    case 'cropping':
      return tf.layers.cropping2D({ name, cropping: sidesOf(operation.edges) });
    case 'add':
      return tf.layers.add({ name });
    case 'concatenation':
      return tf.layers.concatenate({ name });
    case 'multiply':
      return tf.layers.multiply({ name });
    case 'average':
      return tf.layers.average({ name });
    case 'maximum':
      return tf.layers.maximum({ name });
    case 'minimum':
      return tf.layers.minimum({ name });
    case 'global-average-pooling':
      return inputRank === 3 ? tf.layers.globalAveragePooling2d({ name }) : tf.layers.globalAveragePooling1d({ name });
    case 'global-max-pooling':
      return inputRank === 3 ? tf.layers.globalMaxPooling2d({ name }) : tf.layers.globalMaxPooling1d({ name });
    case 'flatten':
      return tf.layers.flatten({ name });
    case 'reshape':
      return tf.layers.reshape({ name, targetShape: [...shape] });
  }
}

function sidesOf({ top, bottom, left, right }: Edges): [[number, number], [number, number]] {
  return [
    [top, bottom],
    [left, right],
  ];
}

function windowOf({
  size: [rows, columns],
  strides: [down, right],
  padding,
}: Extract<Operation, { readonly padding: unknown }>) {
  return {
    kernelSize: [rows, columns] as [number, number],
    strides: [down, right] as [number, number],
    padding,
  };
}

type WithKernel = Extract<Operation, { readonly kernel: Weight }>;

/**
 * The same model with kernels of whole numbers from -127 to 127, as 8 bits keep them. A batch norm after each scales the output channels
 * and adds the bias: for formats that have one scale for a kernel, not one for each of its output channels.
 */
function withScaledKernels(graph: ModelGraph): ModelGraph {
  return { ...graph, nodes: graph.nodes.flatMap(scaledKernel) };
}

function scaledKernel(node: GraphNode): readonly GraphNode[] {
  const { name, operation, shape } = node;
  if (!('kernel' in operation)) return [node];
  const { kernel, bias } = operation;
  const channels = shape.at(-1)!;
  const { values, scales } = quantised(kernel, 'last', channels);
  const whole: WithKernel = { ...operation, kernel: { ...kernel, data: Float32Array.from(values) } };
  const { bias: _, ...unbiased } = whole;
  const vector = (part: string, data: Float32Array): Weight => ({ name: `${name}/${part}`, shape: [channels], data });
  const scale: Operation = {
    kind: 'batch-norm',
    gamma: vector('gamma', scales),
    beta: vector('beta', bias?.data ?? new Float32Array(channels)),
    mean: vector('moving_mean', new Float32Array(channels)),
    variance: vector('moving_variance', new Float32Array(channels).fill(1)),
    epsilon: 0,
  };
  const inner = `${name}/int8`;
  return [
    { ...node, name: inner, operation: unbiased },
    { name, inputs: [inner], shape, operation: scale },
  ];
}
