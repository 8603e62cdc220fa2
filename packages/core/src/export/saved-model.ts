import { type GraphNode, IMAGES, type ModelGraph, NORMALISED, valueName, type Weight } from './model-graph.js';
import { bytesOf, float16Bits, isReduced, type Precision } from './precision.js';
import { bytes, type Fields, float, int, mapEntry, message, packedInts, text } from './protobuf.js';

const TYPE = { FLOAT: 1, INT32: 3, UINT8: 4, HALF: 19 } as const;

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
  for (const node of graph.nodes) addNode(writer, node);
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

/** Returns the name of the node's value. */
function addNode(writer: GraphWriter, node: GraphNode): string {
  const { shape, operation } = node;
  const name = valueName(node.name);
  const inputs = node.inputs.map(valueName);
  const [input = ''] = inputs;
  switch (operation.kind) {
    case 'convolution':
    case 'depthwise-convolution': {
      const operator = operation.kind === 'convolution' ? 'Conv2D' : 'DepthwiseConv2dNative';
      return addWithBias(writer, name, operation.bias, (output) =>
        writer.add(operator, output, [input, writer.weight(operation.kernel)], {
          ...FLOATS,
          strides: ints([1, ...operation.strides, 1]),
          padding: string(operation.padding.toUpperCase()),
        }),
      );
    }
    case 'batch-norm': {
      const { gamma, beta, mean, variance, epsilon } = operation;
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
        writer.add('MatMul', output, [input, writer.weight(operation.kernel)], FLOATS),
      );
    case 'activation':
      return writer.add(operation.activation === 'relu' ? 'Relu' : 'Relu6', name, [input], FLOATS);
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
      if (inputs.length === 2) return writer.add('AddV2', name, inputs, FLOATS);
      return writer.add('AddN', name, inputs, { ...FLOATS, N: int(3, inputs.length) });
    case 'concatenation': {
      const axis = writer.ints(`${name}/axis`, [], [shape.length]);
      return writer.add('ConcatV2', name, [...inputs, axis], { ...FLOATS, N: int(3, inputs.length) });
    }
    case 'global-average-pooling':
      return writer.add('Mean', name, [input, writer.ints(`${name}/axes`, [2], [1, 2])], FLOATS);
    case 'flatten':
    case 'reshape': {
      const target = [-1, ...shape];
      return writer.add('Reshape', name, [input, writer.ints(`${name}/shape`, [target.length], target)], FLOATS);
    }
  }
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

  /** Returns the name of its float32 value. */
  weight(weight: Weight): string {
    const { name, shape, data } = weight;
    if (!isReduced(weight, this.precision)) return this.constant(name, TYPE.FLOAT, shape, bytesOf(data));
    const narrow = this.constant(`${name}/float16`, TYPE.HALF, shape, bytesOf(float16Bits(weight)));
    return this.add('Cast', name, [narrow], { SrcT: type(TYPE.HALF), DstT: type(TYPE.FLOAT) });
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
