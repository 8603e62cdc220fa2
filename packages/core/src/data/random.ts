/**
 * What random numbers are used for. Each purpose has its own stream, so drawing more numbers for one never changes
 * another. The position in this list is part of the result: append only.
 */
const PURPOSES = ['permutation', 'augmentation', 'prototypes', 'noise', 'weights', 'augmentation-list'] as const;
export type RandomPurpose = (typeof PURPOSES)[number];

/**
 * Identifies one stream of random numbers. Seed, stage and epoch are uint32. Different streams share no number.
 */
export interface RandomStream {
  readonly purpose: RandomPurpose;
  readonly seed: number;
  readonly stage: number;
  readonly epoch: number;
  /** One more uint32, for what has several streams in an epoch; default: 0 */
  readonly lane?: number;
}

/**
 * Writes the four random words at `index` (uint32) of a stream into `out` (length 4). The generator has no state, so
 * indices may be requested in any order. Stream and index are used unhashed as key and counter of Philox4x32-10, so no
 * two streams collide.
 */
export function randomWords(stream: RandomStream, index: number, out: Uint32Array): void {
  out[0] = index;
  out[1] = stream.epoch;
  out[2] = stream.stage;
  out[3] = stream.lane ?? 0;
  philox4x32(out, stream.seed, PURPOSES.indexOf(stream.purpose));
}

/** Maps a random word to 0 .. bound-1. The bias is below bound / 2^32. */
export function below(word: number, bound: number): number {
  return Math.floor((word * bound) / 0x1_0000_0000);
}

/**
 * Philox4x32-10: replaces a counter of four words by four random words. Salmon et al., Parallel Random Numbers: As Easy
 * as 1, 2, 3 (SC 2011); constants and test vectors from Random123.
 */
export function philox4x32(block: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = [block[0]!, block[1]!, block[2]!, block[3]!];
  let [k0, k1] = [key0 >>> 0, key1 >>> 0];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(c0, 0xd2511f53);
    const low0 = Math.imul(c0, 0xd2511f53);
    const high1 = multiplyHigh(c2, 0xcd9e8d57);
    const low1 = Math.imul(c2, 0xcd9e8d57);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c1 = low1 >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/**
 * Upper 32 bits of the 64-bit product of two uint32, computed from 16-bit halves so that every partial sum is exact.
 */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000);
}
