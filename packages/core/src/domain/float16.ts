// IEEE 754 binary16. Float16Array came with Node.js 24, and this runs on 22 too.

/** The largest float16. Numbers from 65,520 on are rounded to infinity. */
export const LARGEST_FLOAT16 = 65_504;

const bits = new Uint32Array(1);
const number = new Float32Array(bits.buffer);

/** The bits of the float16 that is nearest to a number of float32, ties to even; infinity for one that float16 does not reach. */
export function nearestFloat16(value: number): number {
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

/** The number of finite float16 bits. */
export function float16Value(half: number): number {
  const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >>> 10) & 31, half & 0x3ff];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Whether bits of float16 are a number, and not infinity or NaN. */
export function isFiniteFloat16(half: number): boolean {
  return (half & 0x7c00) !== 0x7c00;
}

/** The number of each bits of float16; infinity and NaN as NaN. */
let values: Float32Array | undefined;

function valuesOf(): Float32Array {
  values ??= Float32Array.from({ length: 2 ** 16 }, (_, half) =>
    isFiniteFloat16(half) ? float16Value(half) : Number.NaN,
  );
  return values;
}

/** float16 widened: exact. Infinity and NaN become NaN. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const all = valuesOf();
  const numbers = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) numbers[i] = all[halves[i]!]!;
  return numbers;
}
