import { TrikdError } from '../domain/errors.js';
import type { Weight } from './model-graph.js';

/** How kernels are stored. What is computed stays float32: a reader widens them first. */
export type Precision = 'float32' | 'float16';

/** Whether a weight is stored in fewer bits. Vectors, such as those of batch norm, are few numbers that matter much. */
export function isReduced({ shape }: Pick<Weight, 'shape'>, precision: Precision): boolean {
  return precision === 'float16' && shape.length >= 2;
}

/**
 * The bits of the nearest float16 of each number, ties to even.
 * @throws TrikdError 'invalid' for a number that float16 does not reach
 */
export function float16Bits({ name, data }: Weight): Uint16Array {
  return Uint16Array.from(data, (value) => {
    const half = nearestFloat16(value);
    if ((half & 0x7fff) >= 0x7c00) {
      throw new TrikdError('invalid', `param ${name} has the value ${value}, which float16 does not reach`);
    }
    return half;
  });
}

const bits = new Uint32Array(1);
const number = new Float32Array(bits.buffer);

function nearestFloat16(value: number): number {
  number[0] = value;
  const all = bits[0]!;
  const sign = (all >>> 16) & 0x8000;
  const magnitude = all & 0x7fffffff;
  // Below 2^-14 halves are multiples of 2^-24: adding a number whose last bit is that rounds to one of them.
  if (magnitude < 0x38800000) {
    number[0] = Math.abs(value) + 0.5;
    return sign | (bits[0]! - 0x3f000000);
  }
  // 13 bits are dropped: half of the last that stays, and one more where that one is odd, rounds ties to even.
  const rounded = magnitude + 0x0fff + ((magnitude >>> 13) & 1);
  return sign | Math.min(0x7c00, (rounded - 0x38000000) >>> 13);
}

/** The numbers that a reader gets. */
export function readBack(weight: Weight, precision: Precision): Float32Array {
  return isReduced(weight, precision) ? Float32Array.from(float16Bits(weight), float16Value) : weight.data;
}

/** The number of finite float16 bits. */
export function float16Value(half: number): number {
  const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >>> 10) & 31, half & 0x3ff];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Little-endian bytes of numbers. */
export function bytesOf(data: Float32Array | Uint16Array | Int32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
