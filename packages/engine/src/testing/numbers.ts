/** How far two numbers may be apart: |a - e| <= absolute + relative · |e|. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** Float32 arithmetic in another order of summation. */
export const FLOAT32: Tolerance = { relative: 2e-5, absolute: 2e-6 };

/**
 * The largest distance between two arrays in units of the tolerance: at most 1 when they are equal within it. Infinite when their
 * lengths differ or a number is NaN.
 */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = FLOAT32): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(expected[i]!);
    const apart = Math.abs(actual[i]! - expected[i]!) / allowed;
    if (!(apart <= worst)) worst = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
  }
  return worst;
}

/** Numbers between -1 and 1, the same for the same seed (Marsaglia's xorshift). */
export function randomNumbers(count: number, seed: number): Float32Array {
  let state = (seed * 0x9e3779b9) >>> 0 || 1;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x80000000 - 1;
  });
}

/** The sum of products, in double precision. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
