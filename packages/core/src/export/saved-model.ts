import { bytesOf, float16Bits, isReduced, type Precision, quantised } from './export-format.js';
import {
  type ActivationName,
  factorAndSummand,
  type GraphNode,
  IMAGES,
  type ModelGraph,
  NORMALISED,
  type Operation,
  shapeOf,
  valueName,
  type Weight,
} from './model-graph.js';
import { bytes, type Fields, float, int, mapEntry, message, packedInts, text } from './protobuf.js';

const TYPE = { FLOAT: 1, INT32: 3, UINT8: 4, INT8: 6, HALF: 19 } as const;

/** Version of graphs in which every operation here has its present meaning. */
const GRAPH_VERSION = 1286;

/** Value of an attribute of a node: a field of TensorFlow's `AttrValue`. */
type Attribute = Fields;

const type = (value: number): Attribute => int(6, value);
const string = (value: string): Attribute => text(2, value);
const flag = (value: boolean): Attribute => int(5, value);
const ints = (values: readonly number[]): Attribute => message(1, packedInts(3, values));

/**
 * The `saved_model.pb` of a TensorFlow SavedModel with the signature `serving_default`: from `images`, uint8 [batch, rows, columns,
 * channels], to float32 [batch, size]. Params are constants of its graph: there is no folder of variables.
 */
export function savedModel(graph: ModelGraph, precision: Precision = 'float32'): Uint8Array {
  const { image, output } = graph;
  const { height, width, channels } = image;
  const writer = new GraphWriter(precision);
  const shape = [-1, height, width, channels];
  writer.add('Placeholder', IMAGES, [], { dtype: type(TYPE.UINT8), shape: message(7, ...shapeFields(shape)) });
  writer.add('Cast', `${NORMALISED}/pixels`, [IMAGES], { SrcT: type(TYPE.UINT8), DstT: type(TYPE.FLOAT) });
  const scale = { name: `${NORMALISED}/scale`, shape: [channels], data: Float32Array.from(graph.scale) };
  const shift = { name: `${NORMALISED}/shift`, shape: [channels], data: Float32Array.from(graph.shift) };
  writer.add('Mul', `${NORMALISED}/scaled`, [`${NORMALISED}/pixels`, writer.weight(scale)], FLOATS);
  writer.add('AddV2', NORMALISED, [`${NORMALISED}/scaled`, writer.weight(shift)], FLOATS);
  for (const node of graph.nodes) addNode(writer, node, shapeOf(graph, node.inputs[0]!).length);
  writer.add('Identity', output.name, [valueName(output.node)], FLOATS);
  const signature = message(
    2,
    mapEntry(1, IMAGES, tensorInfo(IMAGES, TYPE.UINT8, shape)),
    mapEntry(2, output.name, tensorInfo(output.name, TYPE.FLOAT, [-1, output.size])),
    text(3, 'tensorflow/serving/predict'),
  );
  const meta = message(1, text(4, 'serve'));
  const graphDef = message(2, ...writer.nodes, message(4, int(1, GRAPH_VERSION)));
  return Buffer.concat([int(1, 1), message(2, meta, graphDef, mapEntry(5, 'serving_default', signature))]);
}

const FLOATS = { T: type(TYPE.FLOAT) };

/** Returns the name of the node's value. @param inputRank axes of one example of its first input */
function addNode(writer: GraphWriter, node: GraphNode, inputRank: number): string {
  const { shape, operation } = node;
  const name = valueName(node.name);
  const inputs = node.inputs.map(valueName);
  const [input = ''] = inputs;
  switch (operation.kind) {
    case 'convolution':
    case 'depthwise-convolution': {
      const operator = operation.kind === 'convolution' ? 'Conv2D' : 'DepthwiseConv2dNative';
      return addWithBias(writer, name, operation.bias, (output) =>
        writer.add(operator, output, [input, writer.weight(operation.kernel, outputsOf(operation))], {
          ...FLOATS,
          strides: ints([1, ...operation.strides, 1]),
          padding: string(operation.padding.toUpperCase()),
        }),
      );
    }
    case 'batch-norm': {
      const { gamma, beta, mean, variance, epsilon } = operation;
      if (shape.length !== 3) {
        const [factor, summand] = factorAndSummand(node, operation);
        const scaled = writer.add('Mul', `${name}/scaled`, [input, writer.weight(factor)], FLOATS);
        return writer.add('AddV2', name, [scaled, writer.weight(summand)], FLOATS);
      }
      const weights = [gamma, beta, mean, variance].map((weight) => writer.weight(weight));
      return writer.add('FusedBatchNormV3', name, [input, ...weights], {
        ...FLOATS,
        U: type(TYPE.FLOAT),
        epsilon: float(4, epsilon),
        is_training: flag(false),
      });
    }
    case 'max-pooling':
    case 'average-pooling':
      return writer.add(operation.kind === 'max-pooling' ? 'MaxPool' : 'AvgPool', name, [input], {
        ...FLOATS,
        ksize: ints([1, ...operation.size, 1]),
        strides: ints([1, ...operation.strides, 1]),
        padding: string(operation.padding.toUpperCase()),
      });
    case 'dense':
      return addWithBias(writer, name, operation.bias, (output) =>
        writer.add(
          shape.length === 1 ? 'MatMul' : 'BatchMatMulV2',
          output,
          [input, writer.weight(operation.kernel)],
          FLOATS,
        ),
      );
    case 'layer-norm':
      return addLayerNorm(writer, name, input, shape, operation);
    case 'activation':
      return addActivation(writer, name, input, operation.activation);
    case 'leaky-relu':
      return writer.add('LeakyRelu', name, [input], { ...FLOATS, alpha: float(4, operation.rate) });
    case 'constant-sum':
      return writer.add(
        'AddV2',
        name,
        [input, writer.exact({ ...operation.summand, name: `${name}/summand` })],
        FLOATS,
      );
    case 'attention':
      return addAttention(writer, name, input, shape, operation.heads);
    case 'zero-padding': {
      const { top, bottom, left, right } = operation.edges;
      const paddings = writer.ints(`${name}/paddings`, [4, 2], [0, 0, top, bottom, left, right, 0, 0]);
      return writer.add('Pad', name, [input, paddings], FLOATS);
    }
    case 'cropping': {
      const { top, left } = operation.edges;
      const begin = writer.ints(`${name}/begin`, [4], [0, top, left, 0]);
      const size = writer.ints(`${name}/size`, [4], [-1, ...shape]);
      return writer.add('Slice', name, [input, begin, size], { ...FLOATS, Index: type(TYPE.INT32) });
    }
    case 'add':
    case 'multiply':
    case 'maximum':
    case 'minimum': {
      const operator = { add: 'AddV2', multiply: 'Mul', maximum: 'Maximum', minimum: 'Minimum' }[operation.kind];
      return addFolded(writer, operator, name, inputs);
    }
    case 'average': {
      const sum = addFolded(writer, 'AddV2', `${name}/sum`, inputs);
      return writer.add('Mul', name, [sum, writer.scalar(`${name}/share`, 1 / inputs.length)], FLOATS);
    }
    case 'concatenation': {
      const axis = writer.ints(`${name}/axis`, [], [shape.length]);
      return writer.add('ConcatV2', name, [...inputs, axis], { ...FLOATS, N: int(3, inputs.length) });
    }
    case 'global-average-pooling':
    case 'global-max-pooling': {
      const along = inputRank === 3 ? [1, 2] : [1];
      const axes = writer.ints(`${name}/axes`, [along.length], along);
      return writer.add(operation.kind === 'global-max-pooling' ? 'Max' : 'Mean', name, [input, axes], FLOATS);
    }
    case 'flatten':
    case 'reshape': {
      const target = [-1, ...shape];
      return writer.add('Reshape', name, [input, writer.ints(`${name}/shape`, [target.length], target)], FLOATS);
    }
  }
}

/** Two values at a time. */
function addFolded(writer: GraphWriter, operator: string, name: string, inputs: readonly string[]): string {
  return inputs.reduce((value, each, index) =>
    writer.add(operator, index === inputs.length - 1 ? name : `${name}/${index}`, [value, each], FLOATS),
  );
}

const OPERATORS: Readonly<Partial<Record<ActivationName, string>>> = {
  ...{ relu: 'Relu', relu6: 'Relu6', elu: 'Elu', selu: 'Selu', sigmoid: 'Sigmoid', tanh: 'Tanh' },
  ...{ softplus: 'Softplus', softsign: 'Softsign', softmax: 'Softmax' },
};

function addActivation(writer: GraphWriter, name: string, input: string, activation: ActivationName): string {
  switch (activation) {
    case 'swish':
      return writer.add('Mul', name, [input, writer.add('Sigmoid', `${name}/gate`, [input], FLOATS)], FLOATS);
    case 'gelu': {
      const scaled = writer.add('Mul', `${name}/scaled`, [input, writer.scalar('gelu/scale', Math.SQRT1_2)], FLOATS);
      const erf = writer.add('Erf', `${name}/erf`, [scaled], FLOATS);
      const gate = writer.add('AddV2', `${name}/gate`, [erf, writer.scalar('gelu/one', 1)], FLOATS);
      const half = writer.add('Mul', `${name}/half`, [input, writer.scalar('gelu/half', 0.5)], FLOATS);
      return writer.add('Mul', name, [half, gate], FLOATS);
    }
    default:
      return writer.add(OPERATORS[activation]!, name, [input], FLOATS);
  }
}

function addLayerNorm(
  writer: GraphWriter,
  name: string,
  input: string,
  shape: readonly number[],
  { gamma, beta, epsilon }: Extract<Operation, { readonly kind: 'layer-norm' }>,
): string {
  const axis = writer.ints(`${name}/axis`, [1], [shape.length]);
  const kept = { ...FLOATS, keep_dims: flag(true) };
  const mean = writer.add('Mean', `${name}/mean`, [input, axis], kept);
  const squares = writer.add('SquaredDifference', `${name}/squares`, [input, mean], FLOATS);
  const variance = writer.add('Mean', `${name}/variance`, [squares, axis], kept);
  const safe = writer.add('AddV2', `${name}/safe`, [variance, writer.scalar(`${name}/epsilon`, epsilon)], FLOATS);
  const scale = writer.add('Rsqrt', `${name}/scale`, [safe], FLOATS);
  const centred = writer.add('Sub', `${name}/centred`, [input, mean], FLOATS);
  const normal = writer.add('Mul', `${name}/normal`, [centred, scale], FLOATS);
  const scaled = writer.add('Mul', `${name}/scaled`, [normal, writer.weight(gamma)], FLOATS);
  return writer.add('AddV2', name, [scaled, writer.weight(beta)], FLOATS);
}

function addAttention(
  writer: GraphWriter,
  name: string,
  input: string,
  [tokens = 0, width = 0]: readonly number[],
  heads: number,
): string {
  const each = width / heads;
  const reshape = (output: string, value: string, to: readonly number[]) =>
    writer.add('Reshape', output, [value, writer.ints(`${output}/shape`, [to.length], to)], FLOATS);
  const transpose = (output: string, value: string, order: readonly number[]) =>
    writer.add('Transpose', output, [value, writer.ints(`${output}/order`, [order.length], order)], FLOATS);
  const parts = reshape(`${name}/parts`, input, [-1, tokens, 3, heads, each]);
  const byPart = transpose(`${name}/by_part`, parts, [2, 0, 3, 1, 4]);
  const unpacked = writer.add('Unpack', `${name}/unpacked`, [byPart], { ...FLOATS, num: int(3, 3), axis: int(3, 0) });
  const [queries, keys, values] = [unpacked, `${unpacked}:1`, `${unpacked}:2`];
  const products = writer.add('BatchMatMulV2', `${name}/products`, [queries, keys], { ...FLOATS, adj_y: flag(true) });
  const scale = writer.scalar(`${name}/scale`, 1 / Math.sqrt(each));
  const scores = writer.add('Mul', `${name}/scores`, [products, scale], FLOATS);
  const weights = writer.add('Softmax', `${name}/weights`, [scores], FLOATS);
  const mixed = writer.add('BatchMatMulV2', `${name}/mixed`, [weights, values], FLOATS);
  return reshape(name, transpose(`${name}/by_token`, mixed, [0, 2, 1, 3]), [-1, tokens, width]);
}

/** The last axes of a kernel, which are its output channels: of a depthwise one, for each input channel. */
function outputsOf({ kind, kernel }: Extract<Operation, { readonly kind: 'convolution' | 'depthwise-convolution' }>) {
  return kernel.shape.slice(kind === 'convolution' ? -1 : -2);
}

/** Adds an operation whose value has the name, or with a bias the sum of both. Returns the name. */
function addWithBias(
  writer: GraphWriter,
  name: string,
  bias: Weight | undefined,
  add: (output: string) => string,
): string {
  if (!bias) return add(name);
  return writer.add('BiasAdd', name, [add(`${name}/product`), writer.weight(bias)], FLOATS);
}

/** Collects the nodes of a graph. */
class GraphWriter {
  readonly nodes: Fields[] = [];
  private readonly constants = new Set<string>();

  constructor(private readonly precision: Precision) {}

  /** A node whose value has its name. Returns it. */
  add(
    operator: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): string {
    const read = inputs.map((input) => text(3, input));
    const written = Object.entries(attributes).map(([key, value]) => mapEntry(5, key, bytes(2, value)));
    this.nodes.push(message(1, text(1, name), text(2, operator), ...read, ...written));
    return name;
  }

  /** Returns the name of its float32 value. @param outputs of a kernel: sizes of the last axes that are its output channels */
  weight(weight: Weight, outputs: readonly number[] = weight.shape.slice(-1)): string {
    const { name, shape } = weight;
    if (!isReduced(weight, this.precision)) return this.exact(weight);
    if (this.precision === 'int8') {
      const { values, scales } = quantised(
        weight,
        'last',
        outputs.reduce((product, size) => product * size, 1),
      );
      const narrow = this.constant(`${name}/int8`, TYPE.INT8, shape, bytesOf(values));
      const wide = this.add('Cast', `${name}/float32`, [narrow], { SrcT: type(TYPE.INT8), DstT: type(TYPE.FLOAT) });
      return this.add(
        'Mul',
        name,
        [wide, this.constant(`${name}/scale`, TYPE.FLOAT, outputs, bytesOf(scales))],
        FLOATS,
      );
    }
    const narrow = this.constant(`${name}/float16`, TYPE.HALF, shape, bytesOf(float16Bits(weight)));
    return this.add('Cast', name, [narrow], { SrcT: type(TYPE.HALF), DstT: type(TYPE.FLOAT) });
  }

  /** As it is, whatever the precision. */
  exact({ name, shape, data }: Weight): string {
    return this.constant(name, TYPE.FLOAT, shape, bytesOf(data));
  }

  scalar(name: string, value: number): string {
    return this.constant(name, TYPE.FLOAT, [], bytesOf(Float32Array.of(value)));
  }

  ints(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.constant(name, TYPE.INT32, shape, bytesOf(Int32Array.from(values)));
  }

  private constant(name: string, dtype: number, shape: readonly number[], content: Uint8Array): string {
    if (this.constants.has(name)) return name;
    this.constants.add(name);
    const tensor = message(8, int(1, dtype), message(2, ...shapeFields(shape)), bytes(4, content));
    return this.add('Const', name, [], { dtype: type(dtype), value: tensor });
  }
}

function tensorInfo(name: string, dtype: number, shape: readonly number[]): Fields {
  return message(2, text(1, `${name}:0`), int(2, dtype), message(3, ...shapeFields(shape)));
}

/** The fields of a `TensorShapeProto`; -1 is any size. */
function shapeFields(shape: readonly number[]): readonly Fields[] {
  return shape.map((size) => message(2, int(1, size)));
}
