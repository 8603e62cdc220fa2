import { channelsFirst } from './channels-first.js';
import type { ExportMetadata } from './export-format.js';
import {
  type Edges,
  edgesOf,
  type GraphNode,
  IMAGES,
  type ModelGraph,
  NORMALISED,
  shapeOf,
  valueName,
  type Weight,
} from './model-graph.js';
import { bytesOf, float16Bits, isReduced, type Precision } from './precision.js';
import { bytes, type Fields, float, int, message, packedInts, text } from './protobuf.js';

/** Versions of the format and of its operators: what ONNX 1.12 of 2022 wrote, so that readers since then know it. */
const IR_VERSION = 8;
const OPSET = 17;

const TYPE = { FLOAT: 1, UINT8: 2, INT64: 7, FLOAT16: 10 } as const;
const ATTRIBUTE = { FLOAT: 1, INT: 2, INTS: 7 } as const;

type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

/**
 * An ONNX model (https://onnx.ai): input `images`, uint8 [batch, rows, columns, channels], of any batch size; output float32 [batch, size].
 * Between them images are [batch, channels, rows, columns], as the operators of ONNX take them.
 * @param metadata texts of the file, by name
 */
export function onnxModel(
  graph: ModelGraph,
  precision: Precision = 'float32',
  metadata: ExportMetadata = {},
): Uint8Array {
  const { image, output } = graph;
  const writer = new GraphWriter(precision);
  writer.add('Cast', `${NORMALISED}/pixels`, [IMAGES], { to: TYPE.FLOAT });
  const scale = { name: `${NORMALISED}/scale`, shape: [image.channels], data: Float32Array.from(graph.scale) };
  const shift = { name: `${NORMALISED}/shift`, shape: [image.channels], data: Float32Array.from(graph.shift) };
  writer.add('Mul', `${NORMALISED}/scaled`, [`${NORMALISED}/pixels`, writer.weight(scale)]);
  writer.add('Add', `${NORMALISED}/shifted`, [`${NORMALISED}/scaled`, writer.weight(shift)]);
  writer.add('Transpose', NORMALISED, [`${NORMALISED}/shifted`], { perm: TO_CHANNELS_FIRST });
  for (const node of graph.nodes) addNode(writer, graph, node);
  writer.add('Identity', output.name, [valueName(output.node)]);
  const { height, width, channels } = image;
  return Buffer.concat([
    int(1, IR_VERSION),
    text(2, 'trikd'),
    message(
      7,
      ...writer.nodes,
      text(2, 'model'),
      ...writer.initializers,
      message(11, ...valueInfo(IMAGES, TYPE.UINT8, [height, width, channels])),
      message(12, ...valueInfo(output.name, TYPE.FLOAT, [output.size])),
    ),
    message(8, text(1, ''), int(2, OPSET)),
    ...Object.entries(metadata).map(([key, value]) => message(14, text(1, key), text(2, value))),
  ]);
}

const TO_CHANNELS_FIRST = [0, 3, 1, 2];
const TO_CHANNELS_LAST = [0, 2, 3, 1];

/** Returns the name of the node's value. */
function addNode(writer: GraphWriter, graph: ModelGraph, node: GraphNode): string {
  const { shape, operation } = node;
  const name = valueName(node.name);
  const inputs = node.inputs.map(valueName);
  const [input = ''] = inputs;
  const inputShape = shapeOf(graph, node.inputs[0]!);
  switch (operation.kind) {
    case 'convolution':
    case 'depthwise-convolution': {
      const { kernel, groups } = channelsFirst(operation);
      const bias = operation.bias ? [writer.weight(operation.bias)] : [];
      const window = windowAttributes(operation.size, operation.strides, edgesOf(operation, inputShape));
      return writer.add('Conv', name, [input, writer.weight(kernel), ...bias], { ...window, group: groups });
    }
    case 'batch-norm': {
      const { gamma, beta, mean, variance, epsilon } = operation;
      const weights = [gamma, beta, mean, variance].map((weight) => writer.weight(weight));
      return writer.add('BatchNormalization', name, [input, ...weights], { epsilon: { float: epsilon } });
    }
    case 'max-pooling':
    case 'average-pooling': {
      const operator = operation.kind === 'max-pooling' ? 'MaxPool' : 'AveragePool';
      const window = windowAttributes(operation.size, operation.strides, edgesOf(operation, inputShape));
      return writer.add(operator, name, [input], window);
    }
    case 'dense': {
      const bias = operation.bias ? [writer.weight(operation.bias)] : [];
      return writer.add('Gemm', name, [input, writer.weight(operation.kernel), ...bias]);
    }
    case 'activation':
      if (operation.activation === 'relu') return writer.add('Relu', name, [input]);
      return writer.add('Clip', name, [input, writer.scalar('relu6/least', 0), writer.scalar('relu6/most', 6)]);
    case 'zero-padding': {
      const { top, bottom, left, right } = operation.edges;
      return writer.add('Pad', name, [input, writer.ints(`${name}/pads`, [0, 0, top, left, 0, 0, bottom, right])]);
    }
    case 'cropping': {
      const { top, left } = operation.edges;
      const [rows = 0, columns = 0] = shape;
      const starts = writer.ints(`${name}/starts`, [top, left]);
      const ends = writer.ints(`${name}/ends`, [top + rows, left + columns]);
      return writer.add('Slice', name, [input, starts, ends, writer.ints(`${name}/axes`, [2, 3])]);
    }
    case 'add':
      return writer.add(inputs.length === 2 ? 'Add' : 'Sum', name, inputs);
    case 'concatenation':
      return writer.add('Concat', name, inputs, { axis: shape.length === 3 ? 1 : shape.length });
    case 'global-average-pooling':
      return writer.add('ReduceMean', name, [input], { axes: [2, 3], keepdims: 0 });
    case 'flatten':
    case 'reshape':
      return addReshape(writer, name, input, inputShape, shape);
  }
}

/** Values are in the order rows, columns, channels: other orders would not fit the dense layer after it. */
function addReshape(
  writer: GraphWriter,
  name: string,
  input: string,
  from: readonly number[],
  to: readonly number[],
): string {
  let value = input;
  if (from.length === 3) {
    writer.add('Transpose', `${name}/channels_last`, [value], { perm: TO_CHANNELS_LAST });
    value = `${name}/channels_last`;
  }
  const target = writer.ints(`${name}/shape`, [-1, ...to]);
  if (to.length !== 3) return writer.add('Reshape', name, [value, target]);
  writer.add('Reshape', `${name}/reshaped`, [value, target]);
  return writer.add('Transpose', name, [`${name}/reshaped`], { perm: TO_CHANNELS_FIRST });
}

function windowAttributes(
  size: readonly number[],
  strides: readonly number[],
  { top, bottom, left, right }: Edges,
): Attributes {
  return { kernel_shape: size, strides, pads: [top, left, bottom, right] };
}

/** Collects the nodes and the constants of a graph. */
class GraphWriter {
  readonly nodes: Fields[] = [];
  readonly initializers: Fields[] = [];
  private readonly constants = new Set<string>();

  constructor(private readonly precision: Precision) {}

  /** A node with one output, whose name is that of the node. Returns it. */
  add(operator: string, name: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const written = Object.entries(attributes).map(([key, value]) => message(5, ...attribute(key, value)));
    const read = inputs.map((input) => text(1, input));
    this.nodes.push(message(1, ...read, text(2, name), text(3, name), text(4, operator), ...written));
    return name;
  }

  /** Returns the name of its float32 value. */
  weight(weight: Weight): string {
    const { name, shape, data } = weight;
    if (!isReduced(weight, this.precision)) return this.constant(name, TYPE.FLOAT, shape, bytesOf(data));
    const narrow = this.constant(`${name}/float16`, TYPE.FLOAT16, shape, bytesOf(float16Bits(weight)));
    return this.add('Cast', name, [narrow], { to: TYPE.FLOAT });
  }

  scalar(name: string, value: number): string {
    return this.constant(name, TYPE.FLOAT, [], bytesOf(Float32Array.of(value)));
  }

  ints(name: string, values: readonly number[]): string {
    return this.constant(name, TYPE.INT64, [values.length], bytesOf(BigInt64Array.from(values, BigInt)));
  }

  private constant(name: string, type: number, shape: readonly number[], content: Uint8Array): string {
    if (this.constants.has(name)) return name;
    this.constants.add(name);
    this.initializers.push(message(5, packedInts(1, shape), int(2, type), text(8, name), bytes(9, content)));
    return name;
  }
}

function attribute(name: string, value: Attributes[string]): readonly Fields[] {
  if (typeof value === 'number') return [text(1, name), int(3, value), int(20, ATTRIBUTE.INT)];
  if ('float' in value) return [text(1, name), float(2, value.float), int(20, ATTRIBUTE.FLOAT)];
  return [text(1, name), packedInts(8, value), int(20, ATTRIBUTE.INTS)];
}

/** Type and shape of an input or an output, of any batch size. */
function valueInfo(name: string, type: number, shape: readonly number[]): readonly Fields[] {
  const dimensions = [message(1, text(2, 'batch')), ...shape.map((size) => message(1, int(1, size)))];
  return [text(1, name), message(2, message(1, int(1, type), message(2, ...dimensions)))];
}
