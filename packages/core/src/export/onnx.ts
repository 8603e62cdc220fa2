import { channelsFirst } from './channels-first.js';
import type { ExportMetadata } from './export-format.js';
import { bytesOf, float16Bits, isReduced, type Precision, quantised } from './export-format.js';
import {
  type ActivationName,
  type Edges,
  edgesOf,
  factorAndSummand,
  type GraphNode,
  IMAGES,
  type ModelGraph,
  NORMALISED,
  shapeOf,
  valueName,
  type Weight,
} from './model-graph.js';
import { bytes, type Fields, float, int, message, packedInts, text } from './protobuf.js';

/** Versions of the format and of its operators: what ONNX 1.12 of 2022 wrote, so that readers since then know it. */
const IR_VERSION = 8;
const OPSET = 17;

const TYPE = { FLOAT: 1, UINT8: 2, INT8: 3, INT64: 7, FLOAT16: 10 } as const;
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
      return writer.add('Conv', name, [input, writer.weight(kernel, 'first'), ...bias], { ...window, group: groups });
    }
    case 'batch-norm': {
      const { gamma, beta, mean, variance, epsilon } = operation;
      if (shape.length !== 3) {
        const [factor, summand] = factorAndSummand(node, operation);
        const scaled = writer.add('Mul', `${name}/scaled`, [input, writer.weight(factor)]);
        return writer.add('Add', name, [scaled, writer.weight(summand)]);
      }
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
      const kernel = writer.weight(operation.kernel, 'last');
      if (shape.length === 1) return writer.add('Gemm', name, [input, kernel, ...bias]);
      if (bias.length === 0) return writer.add('MatMul', name, [input, kernel]);
      return writer.add('Add', name, [writer.add('MatMul', `${name}/product`, [input, kernel]), ...bias]);
    }
    case 'layer-norm': {
      const { gamma, beta, epsilon } = operation;
      const weights = [gamma, beta].map((weight) => writer.weight(weight));
      const attributes = { axis: -1, epsilon: { float: epsilon } };
      return overLastAxis(writer, name, input, shape, (value, output) =>
        writer.add('LayerNormalization', output, [value, ...weights], attributes),
      );
    }
    case 'activation':
      return addActivation(writer, name, input, shape, operation.activation);
    case 'leaky-relu':
      return writer.add('LeakyRelu', name, [input], { alpha: { float: operation.rate } });
    case 'constant-sum':
      return overLastAxis(writer, name, input, shape, (value, output) =>
        writer.add('Add', output, [value, writer.exact({ ...operation.summand, name: `${name}/summand` })]),
      );
    case 'attention':
      return addAttention(writer, name, input, shape, operation.heads);
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
    case 'multiply':
      return inputs.reduce((product, each, index) =>
        writer.add('Mul', index === inputs.length - 1 ? name : `${name}/${index}`, [product, each]),
      );
    case 'average':
      return writer.add('Mean', name, inputs);
    case 'maximum':
      return writer.add('Max', name, inputs);
    case 'minimum':
      return writer.add('Min', name, inputs);
    case 'concatenation':
      return writer.add('Concat', name, inputs, { axis: shape.length === 3 ? 1 : shape.length });
    case 'global-average-pooling':
      return writer.add('ReduceMean', name, [input], { axes: inputShape.length === 3 ? [2, 3] : [1], keepdims: 0 });
    case 'global-max-pooling':
      return writer.add('ReduceMax', name, [input], { axes: inputShape.length === 3 ? [2, 3] : [1], keepdims: 0 });
    case 'flatten':
    case 'reshape':
      return addReshape(writer, name, input, inputShape, shape);
  }
}

const OPERATORS: Readonly<Partial<Record<ActivationName, string>>> = {
  ...{ relu: 'Relu', elu: 'Elu', selu: 'Selu', sigmoid: 'Sigmoid', tanh: 'Tanh' },
  ...{ softplus: 'Softplus', softsign: 'Softsign' },
};

function addActivation(
  writer: GraphWriter,
  name: string,
  input: string,
  shape: readonly number[],
  activation: ActivationName,
): string {
  switch (activation) {
    case 'relu6':
      return writer.add('Clip', name, [input, writer.scalar('relu6/least', 0), writer.scalar('relu6/most', 6)]);
    case 'softmax':
      return writer.add('Softmax', name, [input], { axis: shape.length === 3 ? 1 : -1 });
    case 'swish':
      return writer.add('Mul', name, [input, writer.add('Sigmoid', `${name}/gate`, [input])]);
    case 'gelu': {
      // Opset 17 has no operator of it: x / 2 · (1 + erf(x / √2)).
      const scaled = writer.add('Mul', `${name}/scaled`, [input, writer.scalar('gelu/scale', Math.SQRT1_2)]);
      const erf = writer.add('Erf', `${name}/erf`, [scaled]);
      const gate = writer.add('Add', `${name}/gate`, [erf, writer.scalar('gelu/one', 1)]);
      const half = writer.add('Mul', `${name}/half`, [input, writer.scalar('gelu/half', 0.5)]);
      return writer.add('Mul', name, [half, gate]);
    }
    default:
      return writer.add(OPERATORS[activation]!, name, [input]);
  }
}

function addAttention(
  writer: GraphWriter,
  name: string,
  input: string,
  [tokens = 0, width = 0]: readonly number[],
  heads: number,
): string {
  const each = width / heads;
  const split = writer.ints(`${name}/split`, [-1, tokens, 3, heads, each]);
  const parts = writer.add('Reshape', `${name}/parts`, [input, split]);
  const byPart = writer.add('Transpose', `${name}/by_part`, [parts], { perm: [2, 0, 3, 1, 4] });
  const [queries = '', keys = '', values = ''] = ['queries', 'keys', 'values'].map((part, index) =>
    writer.add('Gather', `${name}/${part}`, [byPart, writer.int(`${name}/${part}_index`, index)], { axis: 0 }),
  );
  const columns = writer.add('Transpose', `${name}/columns`, [keys], { perm: [0, 1, 3, 2] });
  const products = writer.add('MatMul', `${name}/products`, [queries, columns]);
  const scores = writer.add('Mul', `${name}/scores`, [products, writer.scalar(`${name}/scale`, 1 / Math.sqrt(each))]);
  const weights = writer.add('Softmax', `${name}/weights`, [scores], { axis: -1 });
  const mixed = writer.add('MatMul', `${name}/mixed`, [weights, values]);
  const byToken = writer.add('Transpose', `${name}/by_token`, [mixed], { perm: [0, 2, 1, 3] });
  return writer.add('Reshape', name, [byToken, writer.ints(`${name}/joined`, [-1, tokens, width])]);
}

/** What an operator does along the last axis, of images along the channels. */
function overLastAxis(
  writer: GraphWriter,
  name: string,
  input: string,
  shape: readonly number[],
  add: (value: string, output: string) => string,
): string {
  if (shape.length !== 3) return add(input, name);
  const last = writer.add('Transpose', `${name}/channels_last`, [input], { perm: TO_CHANNELS_LAST });
  return writer.add('Transpose', name, [add(last, `${name}/along`)], { perm: TO_CHANNELS_FIRST });
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

  /** Returns the name of its float32 value. @param outputs the axis of a kernel that has its output channels */
  weight(weight: Weight, outputs: 'first' | 'last' = 'last'): string {
    const { name, shape } = weight;
    if (!isReduced(weight, this.precision)) return this.exact(weight);
    if (this.precision === 'int8') {
      const axis = outputs === 'first' ? 0 : shape.length - 1;
      const { values, scales } = quantised(weight, outputs, shape[axis]!);
      // No DequantizeLinear: ONNX Runtime takes that as leave to compute in 8 bits.
      const sizes = shape.map((size, index) => (index === axis ? size : 1));
      const narrow = this.constant(`${name}/int8`, TYPE.INT8, shape, bytesOf(values));
      const wide = this.add('Cast', `${name}/float32`, [narrow], { to: TYPE.FLOAT });
      return this.add('Mul', name, [wide, this.constant(`${name}/scale`, TYPE.FLOAT, sizes, bytesOf(scales))]);
    }
    const narrow = this.constant(`${name}/float16`, TYPE.FLOAT16, shape, bytesOf(float16Bits(weight)));
    return this.add('Cast', name, [narrow], { to: TYPE.FLOAT });
  }

  /** As it is, whatever the precision. */
  exact({ name, shape, data }: Weight): string {
    return this.constant(name, TYPE.FLOAT, shape, bytesOf(data));
  }

  int(name: string, value: number): string {
    return this.constant(name, TYPE.INT64, [], bytesOf(BigInt64Array.of(BigInt(value))));
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
