import { TrikdError } from '../domain/errors.js';
import { float16Value, isFiniteFloat16, nearestFloat16 } from '../domain/float16.js';
import type { Weight } from './model-graph.js';

/** Formats that a model is written in. */
export const EXPORT_FORMATS = ['onnx', 'tfjs', 'savedmodel', 'pytorch', 'safetensors'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Content by file name. */
export type ExportFiles = ReadonlyMap<string, Uint8Array>;

/** What a file says of its origin, where its format has a place for it. */
export type ExportMetadata = Readonly<Record<string, string>>;

/** How kernels are stored. What is computed stays float32: a reader widens them first. */
export const PRECISIONS = ['float32', 'float16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Whether a weight is stored in fewer bits. Vectors, such as those of batch norm, are few numbers that matter much. */
export function isReduced({ shape }: Pick<Weight, 'shape'>, precision: Precision): boolean {
  return precision !== 'float32' && shape.length >= 2;
}

/**
 * The bits of the nearest float16 of each number, ties to even.
 * @throws TrikdError 'invalid' for a number that float16 does not reach
 */
export function float16Bits({ name, data }: Weight): Uint16Array {
  return Uint16Array.from(data, (value) => {
    const half = nearestFloat16(value);
    if (!isFiniteFloat16(half)) {
      throw new TrikdError('invalid', `param ${name} has the value ${value}, which float16 does not reach`);
    }
    return half;
  });
}

/** A kernel in 8 bits: each number is `values · scale` of its output channel. */
export interface Quantised {
  /** From -127 to 127, in the order of the kernel. */
  readonly values: Int8Array;
  /** One for each output channel. */
  readonly scales: Float32Array;
}

/**
 * The nearest of 255 multiples of a scale, which is the largest number of each output channel divided by 127.
 * @param axis of the output channels: the first, or the last
 * @param channels how many there are; of several last axes their product
 * @throws TrikdError 'invalid' for a number that is not finite
 */
export function quantised({ name, data }: Weight, axis: 'first' | 'last', channels: number): Quantised {
  const each = data.length / channels;
  const channelOf = (index: number) => (axis === 'last' ? index % channels : Math.floor(index / each));
  const scales = new Float32Array(channels);
  for (const [index, value] of data.entries()) {
    if (!Number.isFinite(value)) throw new TrikdError('invalid', `param ${name} has the value ${value}`);
    const channel = channelOf(index);
    scales[channel] = Math.max(scales[channel]!, Math.abs(value) / 127);
  }
  // A scale below the normal numbers of float32 is too small by up to a half.
  const nearest = (value: number, scale: number) => Math.max(-127, Math.min(127, Math.round(value / scale)));
  const values = Int8Array.from(data, (value, index) => nearest(value, scales[channelOf(index)]! || 1));
  return { values, scales };
}

/** The numbers that a reader of float16 gets. */
export function readBack(weight: Weight): Float32Array {
  return weight.shape.length >= 2 ? Float32Array.from(float16Bits(weight), float16Value) : weight.data;
}

/** Little-endian bytes of numbers. */
export function bytesOf(
  data: Float32Array | Uint16Array | Int8Array | Uint8Array | Int32Array | BigInt64Array,
): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
