// Batch norm as the kernels of the addon define its bits (batch_norm_kernels.h, batch_norm_ops.cc), one sum after the other.
import { fusedDouble, fusedFloat } from './rounded-once.js';

const { fround } = Math;

/** Of each channel. */
export interface Moments {
  readonly mean: Float32Array;
  /** Unbiased. */
  readonly variance: Float32Array;
  /** 1 / √(biased variance + epsilon). */
  readonly inverse: Float32Array;
}

/** Of pixels [pixels, channels]. */
export function summedMoments(x: Float32Array, channels: number, epsilon: number): Moments {
  const moments = ofChannels(channels, (c) => {
    const [all, ...more] = partsOf(x.length / channels, channels).map((part) => momentsOfPart(x, channels, c, part));
    return more.reduce(joined, all!);
  });
  const float = (of: (each: PartMoments) => number) => Float32Array.from(moments, of);
  return {
    mean: float(({ mean }) => mean),
    variance: float(({ squares, count }) => squares / Math.max(count - 1, 1)),
    inverse: float(({ squares, count }) => 1 / Math.sqrt(squares / count + epsilon)),
  };
}

/** gamma and beta are those of each channel; with `other` it is added, and then negative numbers are 0. */
export function summedNormalisation(
  x: Float32Array,
  { mean, inverse }: Moments,
  gamma: Float32Array,
  beta: Float32Array,
  other: Float32Array,
): Float32Array {
  return x.map((value, at) => {
    const c = at % gamma.length;
    const normal = fusedFloat(fround(value - mean[c]!), fround(gamma[c]! * inverse[c]!), beta[c]!);
    return Math.max(0, fround(normal + other[at]!));
  });
}

/** The gradients of x, gamma and beta. `upstream` is what arrives behind ReLU. */
export function summedNormalisationGradient(
  x: Float32Array,
  { mean, inverse }: Moments,
  gamma: Float32Array,
  upstream: Float32Array,
): { readonly dx: Float32Array; readonly dgamma: Float32Array; readonly dbeta: Float32Array } {
  const channels = gamma.length;
  const pixels = x.length / channels;
  const sums = ofChannels(channels, (c) => {
    const all = { sum: 0, product: 0 };
    for (const part of partsOf(pixels, channels)) {
      const ofPart = { sum: 0, product: 0 };
      for (const chunk of chunksOf(part, channels)) {
        const each = sumsOf(c, channels);
        const at = (p: number) => (chunk.first + p) * channels + c;
        ofPart.sum += summed(chunk, each, (sum, p) => fround(sum + upstream[at(p)]!));
        ofPart.product += summed(chunk, each, (sum, p) =>
          fusedFloat(upstream[at(p)]!, fround(x[at(p)]! - mean[c]!), sum),
        );
      }
      all.sum += ofPart.sum;
      all.product += ofPart.product;
    }
    const scaled = gamma[c]! * inverse[c]!;
    return {
      ...all,
      scale: fround(scaled),
      slope: fround((-scaled * inverse[c]! * inverse[c]! * all.product) / pixels),
      shift: fround((-scaled * all.sum) / pixels),
    };
  });
  return {
    dx: x.map((value, at) => {
      const c = at % channels;
      const { scale, slope, shift } = sums[c]!;
      return fusedFloat(upstream[at]!, scale, fusedFloat(fround(value - mean[c]!), slope, shift));
    }),
    dgamma: Float32Array.from(sums, ({ product }, c) => product * inverse[c]!),
    dbeta: Float32Array.from(sums, ({ sum }) => sum),
  };
}

interface PartMoments {
  readonly count: number;
  readonly mean: number;
  readonly squares: number;
}

/** Pixels first..last-1. */
interface Range {
  readonly first: number;
  readonly last: number;
}

const ofChannels = <T>(channels: number, of: (channel: number) => T) =>
  Array.from({ length: channels }, (_, channel) => of(channel));

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(Math.floor(value), least), most);

function partsOf(pixels: number, channels: number): Range[] {
  const count = clamp((pixels * channels) / 16_384, 1, 32);
  const start = (part: number) => Math.floor(pixels / count) * part + Math.floor(((pixels % count) * part) / count);
  return Array.from({ length: count }, (_, part) => ({ first: start(part), last: start(part + 1) }));
}

function chunksOf({ first, last }: Range, channels: number): Range[] {
  const size = clamp(4096 / channels, 32, 256);
  return Array.from({ length: Math.ceil((last - first) / size) }, (_, chunk) => {
    return { first: first + chunk * size, last: Math.min(first + (chunk + 1) * size, last) };
  });
}

/** Sums of a channel that take turns: 1 in blocks of 64 channels; what is left is a block of 32 and one of 16, with 2 and 4. */
function sumsOf(channel: number, channels: number): number {
  const left = channels % 64;
  const at = channel - (channels - left);
  if (at < 0) return 1;
  return left >= 32 && at < 32 ? 2 : 4;
}

/** A sum over a chunk: pixel p is added to sum p % each, those behind the last multiple of `each` to the first. */
function summed({ first, last }: Range, each: number, add: (sum: number, pixel: number) => number): number {
  const sums = new Float32Array(each);
  const even = last - first - ((last - first) % each);
  for (let p = 0; p < last - first; p++) sums[p < even ? p % each : 0] = add(sums[p < even ? p % each : 0]!, p);
  return sums.reduce((all, sum) => fround(all + sum));
}

function momentsOfPart(x: Float32Array, channels: number, channel: number, part: Range): PartMoments {
  let moments: PartMoments = { count: 0, mean: 0, squares: 0 };
  for (const chunk of chunksOf(part, channels)) {
    const each = sumsOf(channel, channels);
    const at = (p: number) => x[(chunk.first + p) * channels + channel]!;
    const count = chunk.last - chunk.first;
    const mean = fround(summed(chunk, each, (sum, p) => fround(sum + at(p))) * fround(1 / count));
    const rest = summed(chunk, each, (sum, p) => fround(sum + fround(at(p) - mean)));
    const squares = summed(chunk, each, (sum, p) => fusedFloat(fround(at(p) - mean), fround(at(p) - mean), sum));
    const share = count / (moments.count + count);
    const moved = rest * (1 / count);
    const apart = mean + moved - moments.mean;
    const known = fusedDouble(-rest, moved, moments.squares + squares);
    moments = {
      count: moments.count + count,
      mean: fusedDouble(apart, share, moments.mean),
      squares: fusedDouble(apart * apart, moments.count * share, known),
    };
  }
  return moments;
}

function joined(one: PartMoments, other: PartMoments): PartMoments {
  const count = one.count + other.count;
  const share = other.count / count;
  const apart = other.mean - one.mean;
  return {
    count,
    mean: one.mean + apart * share,
    squares: one.squares + (other.squares + apart * apart * (one.count * share)),
  };
}
