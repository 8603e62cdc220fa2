// Convolutions as the kernels of the addon define their bits (convolution_kernels.h, filter_gradient_kernels.h), one sum after the other.
import { fusedFloat } from './rounded-once.js';

/** As Convolution in convolution.h. */
export interface Geometry {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernel: number;
  readonly filters: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly stride: number;
  readonly top: number;
  readonly left: number;
}

/** Output pixels of a chunk of a filter gradient: `kChunk`. */
const CHUNK = 256;

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const isShared = ({ kernel, stride }: Geometry) => kernel === 3 && stride === 1;

/** Calls `add` for each pair of a tap of a row and a channel, in the order of the sums of a pixel. */
function inOrder(
  shared: boolean,
  taps: readonly number[],
  channels: number,
  add: (tap: number, channel: number) => void,
) {
  if (shared) for (const c of upTo(channels)) for (const tap of taps) add(tap, c);
  else for (const tap of taps) for (const c of upTo(channels)) add(tap, c);
}

/** [images, outHeight, outWidth, filters] */
export function summedOutput(g: Geometry, x: Float32Array, filter: Float32Array): Float32Array {
  const taps = upTo(g.kernel);
  return pixels(g.images, g.outHeight, g.outWidth, g.filters, (n, i, j, f) => {
    let sum = 0;
    for (const h of taps) {
      const row = i * g.stride - g.top + h;
      if (row < 0 || row >= g.height) continue;
      inOrder(isShared(g), taps, g.channels, (w, c) => {
        const column = j * g.stride - g.left + w;
        if (column < 0 || column >= g.width) return;
        const value = x[((n * g.height + row) * g.width + column) * g.channels + c]!;
        sum = fusedFloat(value, filter[((h * g.kernel + w) * g.channels + c) * g.filters + f]!, sum);
      });
    }
    return sum;
  });
}

/** [images, height, width, channels]. At stride 1 the filter is turned round, so its last tap comes first. */
export function summedInputGradient(g: Geometry, filter: Float32Array, dy: Float32Array): Float32Array {
  const taps = g.stride === 1 ? upTo(g.kernel).reverse() : upTo(g.kernel);
  return pixels(g.images, g.height, g.width, g.channels, (n, i, j, c) => {
    let sum = 0;
    for (const h of taps) {
      const row = (i + g.top - h) / g.stride;
      if (!Number.isInteger(row) || row < 0 || row >= g.outHeight) continue;
      inOrder(isShared(g), taps, g.filters, (w, f) => {
        const column = (j + g.left - w) / g.stride;
        if (!Number.isInteger(column) || column < 0 || column >= g.outWidth) return;
        const value = dy[((n * g.outHeight + row) * g.outWidth + column) * g.filters + f]!;
        sum = fusedFloat(value, filter[((h * g.kernel + w) * g.channels + c) * g.filters + f]!, sum);
      });
    }
    return sum;
  });
}

/** [kernel, kernel, channels, filters], of one thread: the pixels of a chunk are summed from 0, and chunks are added in order. */
export function summedFilterGradient(g: Geometry, x: Float32Array, dy: Float32Array): Float32Array {
  const rows = Math.max(1, Math.floor(CHUNK / g.outWidth));
  const together = Math.max(1, Math.floor(rows / g.outHeight));
  return pixels(g.kernel, g.kernel, g.channels, g.filters, (h, w, c, f) => {
    const sumOf = (first: number, top: number) => {
      let sum = 0;
      for (let n = first; n < Math.min(first + together, g.images); n++) {
        for (let i = top; i < Math.min(top + rows, g.outHeight); i++) {
          const row = i * g.stride - g.top + h;
          if (row < 0 || row >= g.height) continue;
          for (let j = 0; j < g.outWidth; j++) {
            const column = j * g.stride - g.left + w;
            if (column < 0 || column >= g.width) continue;
            const value = x[((n * g.height + row) * g.width + column) * g.channels + c]!;
            sum = fusedFloat(value, dy[((n * g.outHeight + i) * g.outWidth + j) * g.filters + f]!, sum);
          }
        }
      }
      return sum;
    };
    let gradient = 0;
    for (let n = 0; n < g.images; n += together) {
      for (let top = 0; top < g.outHeight; top += rows) gradient = Math.fround(gradient + sumOf(n, top));
    }
    return gradient;
  });
}

type At = (a: number, b: number, c: number, d: number) => number;

function pixels(a: number, b: number, c: number, d: number, at: At): Float32Array {
  return Float32Array.from({ length: a * b * c * d }, (_, index) => {
    const rest = Math.floor(index / d);
    return at(Math.floor(rest / c / b), Math.floor(rest / c) % b, rest % c, index % d);
  });
}
