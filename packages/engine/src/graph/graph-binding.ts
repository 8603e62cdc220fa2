import { TF } from '../dtype.js';
import { EngineError, fromNative } from '../errors.js';
import { type Attribute, type NativeGraph, native, type OperationInfo, type Output } from '../native.js';
import { addFusedRelu, type OpInput, type OwnGraph, type Producer, unchanged } from '../own-batch-norm.js';
import { ownConvolution } from '../own-convolutions.js';

/** An attribute as the kernels of tfjs-node write it: a name, one of the TF_ATTR numbers, a value. */
interface KernelAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

interface TensorHandle {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

const KINDS = ['string', 'int', 'float', 'bool', 'type', 'shape'] as const;

/** Ops whose inputs form a list, with the number of trailing inputs outside of the list. */
const LIST_OPS: ReadonlyMap<string, number> = new Map([
  ['AddN', 0],
  ['Pack', 0],
  ['ConcatV2', 1],
  ['Einsum', 0],
]);

/** Larger constants with equal elements become a Fill, which stores one element. */
const UNIFORM_LIMIT = 64;

/**
 * Replaces the addon of tfjs-node: each kernel's `executeOp` adds a node to a TensorFlow graph and returns a symbolic
 * tensor with the shape that TensorFlow inferred. Implements the part of tfjs-node's `TFJSBinding` that kernels use.
 */
export class GraphBinding implements OwnGraph {
  readonly TF_FLOAT = TF.FLOAT;
  readonly TF_INT32 = TF.INT32;
  readonly TF_UINT8 = TF.UINT8;
  readonly TF_STRING = TF.STRING;
  readonly TF_COMPLEX64 = TF.COMPLEX64;
  readonly TF_INT64 = TF.INT64;
  readonly TF_BOOL = TF.BOOL;
  readonly TF_RESOURCE = TF.RESOURCE;
  readonly TF_ATTR_STRING = 0;
  readonly TF_ATTR_INT = 1;
  readonly TF_ATTR_FLOAT = 2;
  readonly TF_ATTR_BOOL = 3;
  readonly TF_ATTR_TYPE = 4;
  readonly TF_ATTR_SHAPE = 5;
  readonly TF_Version = native.version();

  readonly graph: NativeGraph = native.createGraph();
  /** Nodes added so far, by type. */
  readonly counts = new Map<string, number>();
  /** Of the outputs of each node, by its name. */
  readonly shapes = new Map<string, readonly (readonly number[])[]>();
  private readonly outputs = new Map<number, Output>();
  /** Of the outputs of each node, by its id. */
  private readonly shapesById = new Map<number, readonly (readonly number[])[]>();
  /** Constant lists of integers, by their node: such as sizes. */
  private readonly lists = new Map<number, readonly number[]>();
  /** By their ids, if the graph may have ops of the addon. */
  private readonly producers = new Map<number, Producer>();
  /** Outputs that a node reads, if the graph may have ops of the addon. */
  private readonly read = new Set<string>();
  private nextHandle = 0;
  private nextName = 0;

  /** Whether the addon computes what it has kernels for. */
  readonly ownKernels: boolean;

  /** @param ownKernels whether convolutions and batch norm become ops of the addon, where it has them */
  constructor(ownKernels = false) {
    this.ownKernels = ownKernels && native.hasConvolutions();
  }

  /** Adds a node. Names are unique and the same for the same trace. */
  add(
    type: string,
    inputs: readonly OpInput[],
    attributes: readonly Attribute[] = [],
    controls: readonly number[] = [],
  ): OperationInfo {
    const name = `${type}_${this.nextName++}`;
    try {
      const info = native.addOperation(this.graph, type, name, inputs, attributes, controls);
      const shapes = info.outputs.map(({ shape }) => shape);
      this.shapes.set(name, shapes);
      this.shapesById.set(info.id, shapes);
      this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
      if (this.ownKernels) this.remember({ id: info.id, name, type, inputs, attributes });
      return info;
    } catch (error) {
      throw fromNative(error);
    }
  }

  /** Registers a graph output; tfjs refers to it by the handle. */
  register(output: Output): number {
    this.outputs.set(this.nextHandle, output);
    return this.nextHandle++;
  }

  outputOf(handle: number): Output {
    const output = this.outputs.get(handle);
    if (!output)
      throw new EngineError('INVALID_ARGUMENT', 'a tensor was used after it was disposed of, or outside of its trace');
    return output;
  }

  producer([id]: Output): Producer | undefined {
    return this.producers.get(id);
  }

  shapeOf([id, index]: Output): readonly number[] | undefined {
    return this.shapesById.get(id)?.[index];
  }

  isRead(output: Output): boolean {
    return this.read.has(output.join());
  }

  shaped(output: Output, shape: readonly number[]): Output {
    const { name } = this.producer(output)!;
    this.shapes.set(name, [shape, ...this.shapes.get(name)!.slice(1)]);
    const attributes: Attribute[] = [
      { name: 'T', kind: 'type', value: TF.FLOAT },
      { name: 'shape', kind: 'shape', value: shape },
    ];
    return [this.add('EnsureShape', [output], attributes).id, 0];
  }

  replace(output: Output, by: Output): void {
    for (const [handle, each] of this.outputs) {
      if (unchanged(this, each).join() === output.join()) this.outputs.set(handle, by);
    }
  }

  isUsingGpuDevice(): boolean {
    return false;
  }

  getNumOfTensors(): number {
    return this.outputs.size;
  }

  createTensor(shape: number[], dtype: number, values: ArrayLike<number>): number {
    const data = typedArray(dtype, values);
    const uniform = data.length > UNIFORM_LIMIT && data.every((value) => value === data[0]);
    return this.register([uniform ? this.fill(shape, dtype, data.slice(0, 1)) : this.constant(shape, dtype, data), 0]);
  }

  deleteTensor(handle: number): void {
    this.outputs.delete(handle);
  }

  tensorDataSync(): never {
    throw new EngineError(
      'FAILED_PRECONDITION',
      'a traced tensor has no value yet: the model or loss reads data or branches on it, which a graph cannot do',
    );
  }

  executeOp(
    type: string,
    attributes: readonly KernelAttribute[],
    handles: readonly number[],
    count: number,
  ): TensorHandle[] {
    const isList = LIST_OPS.get(type);
    const inputs = handles.map((handle) => this.outputOf(handle));
    const own = this.ownKernels ? this.ownOp(type, attributes, inputs) : undefined;
    if (own) return [own];
    const listed =
      isList === undefined
        ? inputs
        : [inputs.slice(0, inputs.length - isList), ...inputs.slice(inputs.length - isList)];
    const written = attributes.filter(
      ({ name, value }) => value !== null && value !== undefined && !(isList !== undefined && name === 'N'),
    );
    const info = this.add(type, listed, written.map(toAttribute));
    return info.outputs.slice(0, count).map((output, index) => ({
      id: this.register([info.id, index]),
      shape: staticShape(type, index, output),
      dtype: output.dtype,
    }));
  }

  private constant(shape: readonly number[], dtype: number, value: NodeJS.TypedArray): number {
    const { id } = this.add(
      'Const',
      [],
      [
        { name: 'dtype', kind: 'type', value: dtype },
        { name: 'value', kind: 'tensor', value, dtype, shape },
      ],
    );
    if (dtype === TF.INT32 && shape.length === 1) this.lists.set(id, Array.from(value as Int32Array));
    return id;
  }

  private ownOp(
    type: string,
    attributes: readonly KernelAttribute[],
    inputs: readonly Output[],
  ): TensorHandle | undefined {
    if (type !== 'Relu') return this.ownConvolution(type, attributes, inputs);
    const output = addFusedRelu(this, inputs[0]!);
    return output && { id: this.register(output), shape: [...this.shapeOf(output)!], dtype: TF.FLOAT };
  }

  /** A convolution of the addon, whose shape an op behind it tells TensorFlow. */
  private ownConvolution(
    type: string,
    attributes: readonly KernelAttribute[],
    inputs: readonly Output[],
  ): TensorHandle | undefined {
    const own = ownConvolution({
      type,
      inputs,
      attributes: new Map(attributes.map(({ name, value }) => [name, value])),
      shapeOf: (output) => this.shapeOf(output),
      listOf: ([id]) => this.lists.get(id),
    });
    if (!own) return undefined;
    const { id } = this.add(own.type, own.inputs, own.attributes);
    const shaped = this.shaped([id, 0], own.shape);
    return { id: this.register(shaped), shape: [...own.shape], dtype: TF.FLOAT };
  }

  private remember(node: Producer): void {
    this.producers.set(node.id, node);
    for (const input of node.inputs) {
      const outputs = (Array.isArray(input[0]) ? input : [input]) as readonly Output[];
      for (const output of outputs) this.read.add(output.join());
    }
  }

  private fill(shape: readonly number[], dtype: number, value: NodeJS.TypedArray): number {
    const dimensions = this.constant([shape.length], TF.INT32, Int32Array.from(shape));
    return this.add('Fill', [
      [dimensions, 0],
      [this.constant([], dtype, value), 0],
    ]).id;
  }
}

function toAttribute({ name, type, value }: KernelAttribute): Attribute {
  const kind = KINDS[type];
  if (kind === undefined) throw new EngineError('UNIMPLEMENTED', `attribute ${name} has an unknown type ${type}`);
  // Kernels write lists of integers with the type of a single one.
  return { name, kind: kind === 'int' && Array.isArray(value) ? 'ints' : kind, value } as Attribute;
}

/**
 * Shapes must be known while tracing. The reserve outputs of fused batch norm are the exception: only their own
 * gradient op reads them, so any shape will do.
 */
function staticShape(type: string, index: number, output: OperationInfo['outputs'][number]): number[] {
  if (output.rank >= 0 && output.shape.every((dimension) => dimension >= 0)) return output.shape;
  if (type.startsWith('FusedBatchNorm') && index >= 3) return [0];
  throw new EngineError('UNIMPLEMENTED', `output ${index} has no static shape`, type);
}

function typedArray(dtype: number, values: ArrayLike<number>): Float32Array | Int32Array | Uint8Array | BigInt64Array {
  switch (dtype) {
    case TF.FLOAT:
      return values instanceof Float32Array ? values : Float32Array.from(values);
    case TF.INT32:
      return values instanceof Int32Array ? values : Int32Array.from(values);
    case TF.UINT8:
    case TF.BOOL:
      return values instanceof Uint8Array ? values : Uint8Array.from(values);
    case TF.INT64:
      return BigInt64Array.from(Array.from(values, (value) => BigInt(value)));
    default:
      throw new EngineError('UNIMPLEMENTED', `constants of dtype ${dtype} cannot be traced`);
  }
}
