import { float16Value } from '../export/precision.js';

/** float16 widened: exact. Infinity and NaN become NaN. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => ((half & 0x7c00) === 0x7c00 ? Number.NaN : float16Value(half)));
}

/** bfloat16 widened: exact, as it has the upper half of the bits of a float32. */
export function fromBfloat16(halves: Uint16Array): Float32Array {
  const words = Uint32Array.from(halves, (half) => half << 16);
  return new Float32Array(words.buffer);
}
