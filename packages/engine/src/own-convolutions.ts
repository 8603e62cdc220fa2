import type { EngineOptions } from './config-proto.js';
import { sizeOf, TF } from './dtype.js';
import { type Attribute, native, type Output } from './native.js';

/** Whether the kernels of the addon compute convolutions and batch norm: if they are asked for, and the processor has AVX2 or AVX-512. */
export function usesOwnKernels({ kernels, device, precision }: EngineOptions): boolean {
  return kernels === 'own' && device === 'cpu' && precision === 'float32' && native.hasConvolutions();
}

/** An op of the addon in the place of one of TensorFlow. */
export interface OwnOp {
  readonly type: string;
  readonly inputs: readonly Output[];
  readonly attributes: readonly Attribute[];
  /** Of its output: the op itself does not tell TensorFlow. */
  readonly shape: readonly number[];
}

/** A convolution as tfjs asks for it. */
export interface AskedConvolution {
  readonly type: string;
  readonly inputs: readonly Output[];
  readonly attributes: ReadonlyMap<string, unknown>;
  readonly shapeOf: (output: Output) => readonly number[] | undefined;
  /** The value of a constant list of integers. */
  readonly listOf: (output: Output) => readonly number[] | undefined;
}

/** Multiples that the kernels need: `kLanes` and `kChannelBlock` of convolution.h. */
const [LANES, CHANNEL_BLOCK] = [16, 8];
/** Limits of convolution_ops.cc. */
const [MOST_TAPS, MOST_PIXELS] = [11, 32_768];
/** Above that TensorFlow's kernels are as fast: the filter and what is read with it do not fit into the second-level cache together. */
const MOST_CHANNELS = 256;
const MOST_WEIGHTS = 3 * 3 * 128 * 128;

/** Shapes of a convolution: NHWC images, a filter in HWIO order, an NHWC output. */
interface Shapes {
  readonly images: readonly number[];
  readonly filter: readonly number[];
  readonly output: readonly number[];
}

/** The op of the addon for a convolution; undefined: TensorFlow computes it. */
export function ownConvolution(asked: AskedConvolution): OwnOp | undefined {
  const { type, inputs } = asked;
  const [first, second, third] = inputs;
  const op = OPS[type];
  if (!op || !first || !second) return undefined;
  const stride = strideOf(asked.attributes);
  const shapes = stride !== undefined && op.shapes(asked, first, second, third);
  if (!shapes || !isComputable(shapes, stride) || !op.fits(shapes)) return undefined;
  const padding = (side: 1 | 2) =>
    asked.attributes.get('padding') === 'SAME' ? paddingBefore(shapes, stride, side) : 0;
  const shape = shapes[op.result];
  const [height, width] = op.result === 'filter' ? shape : shape.slice(1);
  const numbers = { stride, top: padding(1), left: padding(2), height: height!, width: width! };
  return {
    type: `Trikd${type}`,
    inputs: op.inputs.map((index) => inputs[index]!),
    attributes: Object.entries(numbers).map(([name, value]) => ({ name, kind: 'int', value })),
    shape,
  };
}

/** How the inputs of an op of TensorFlow tell the shapes, and which of them its own counterpart takes. */
interface Counterpart {
  readonly inputs: readonly number[];
  readonly result: keyof Shapes;
  readonly shapes: (
    asked: AskedConvolution,
    ...inputs: readonly [Output, Output, Output | undefined]
  ) => Shapes | undefined;
  readonly fits: (shapes: Shapes) => boolean;
}

const OPS: Readonly<Record<string, Counterpart>> = {
  Conv2D: {
    inputs: [0, 1],
    result: 'output',
    shapes({ attributes, shapeOf }, of, by) {
      const [images, filter] = [shapeOf(of), shapeOf(by)];
      const stride = strideOf(attributes)!;
      if (!images || !filter) return undefined;
      const side = (index: 1 | 2) => {
        const same = attributes.get('padding') === 'SAME';
        return Math.ceil((images[index]! - (same ? 0 : filter[index - 1]! - 1)) / stride);
      };
      return { images, filter, output: [images[0]!, side(1), side(2), filter[3]!] };
    },
    fits: ({ filter }) => filter[3]! % LANES === 0,
  },
  Conv2DBackpropInput: {
    inputs: [1, 2],
    result: 'images',
    shapes: ({ shapeOf, listOf }, sizes, by, upstream) =>
      allOf(listOf(sizes), shapeOf(by), upstream && shapeOf(upstream)),
    fits: ({ filter }) => filter[2]! % LANES === 0,
  },
  Conv2DBackpropFilter: {
    inputs: [0, 2],
    result: 'filter',
    shapes: ({ shapeOf, listOf }, of, sizes, upstream) =>
      allOf(shapeOf(of), listOf(sizes), upstream && shapeOf(upstream)),
    fits: ({ filter }) => filter[2]! % CHANNEL_BLOCK === 0 && filter[3]! % LANES === 0,
  },
};

function allOf(
  images: readonly number[] | undefined,
  filter: readonly number[] | undefined,
  output: readonly number[] | undefined,
): Shapes | undefined {
  return images && filter && output && { images, filter, output };
}

/** The one stride of both sides; undefined for what the kernels do not have. */
function strideOf(attributes: AskedConvolution['attributes']): number | undefined {
  const [strides, dilations] = ['strides', 'dilations'].map((name) => attributes.get(name) as readonly number[]);
  const known =
    attributes.get('T') === TF.FLOAT &&
    attributes.get('data_format') === 'NHWC' &&
    ['SAME', 'VALID'].includes(attributes.get('padding') as string) &&
    dilations?.every((dilation) => dilation === 1) === true &&
    strides?.[1] === strides?.[2];
  return known ? strides?.[1] : undefined;
}

function isComputable({ images, filter, output }: Shapes, stride: number): boolean {
  const dimensions = [...images, ...filter, ...output];
  return (
    [images, filter, output].every(({ length }) => length === 4) &&
    dimensions.every((dimension) => dimension >= 1 && dimension <= MOST_PIXELS) &&
    Math.max(stride, filter[0]!, filter[1]!) <= MOST_TAPS &&
    Math.max(filter[2]!, filter[3]!) <= MOST_CHANNELS &&
    sizeOf(filter) <= MOST_WEIGHTS
  );
}

/** Zeros before the first row or column, as TensorFlow's SAME has them: half of all, rounded down. */
function paddingBefore({ images, filter, output }: Shapes, stride: number, side: 1 | 2): number {
  const all = (output[side]! - 1) * stride + filter[side - 1]! - images[side]!;
  return Math.floor(Math.max(all, 0) / 2);
}
