import { type LayersModel, type Tensor, tf } from '@trikd/engine';
import { elementCount } from '../checkpoint/tensor-types.js';
import type { ExportFiles, ExportMetadata } from './export-format.js';
import {
  type Edges,
  type GraphNode,
  IMAGES,
  type ModelGraph,
  NORMALISED,
  type Operation,
  weightsOf,
} from './model-graph.js';
import { bytesOf, float16Bits, isReduced, type Precision } from './precision.js';

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
  const model = layersModel(graph);
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
      ...(isReduced({ shape }, precision) && { quantization: { dtype: 'float16', original_dtype: 'float32' } }),
    }));
    const topology = {
      format: 'layers-model',
      generatedBy: 'trikd',
      convertedBy: null,
      modelTopology,
      userDefinedMetadata: metadata,
      weightsManifest: [{ paths: [DATA_FILE], weights: manifest }],
    };
    const data = parts.map((part) => bytesOf(isReduced(part, precision) ? float16Bits(part) : part.data));
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
    const layer = layerOf(node);
    const inputs = node.inputs.map((name) => values.get(name)!);
    values.set(node.name, layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as Value);
    assign(layer, weightsOf(node.operation));
  }
  return tf.model({ name: 'model', inputs: input, outputs: values.get(output.node)! });
}

function assign(
  layer: Layer,
  weights: readonly { readonly shape: readonly number[]; readonly data: Float32Array }[],
): void {
  const tensors = weights.map(({ shape, data }) => tf.tensor(data, [...shape]));
  layer.setWeights(tensors);
  for (const tensor of tensors) tensor.dispose();
}

function layerOf({ name, shape, operation }: GraphNode): Layer {
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
    case 'activation':
      return tf.layers.activation({ name, activation: operation.activation });
    case 'zero-padding':
      return tf.layers.zeroPadding2d({ name, padding: sidesOf(operation.edges) });
    case 'cropping':
      return tf.layers.cropping2D({ name, cropping: sidesOf(operation.edges) });
    case 'add':
      return tf.layers.add({ name });
    case 'concatenation':
      return tf.layers.concatenate({ name });
    case 'global-average-pooling':
      return tf.layers.globalAveragePooling2d({ name });
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
