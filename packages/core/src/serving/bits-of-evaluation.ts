import type { Session } from '@trikd/engine';
import { joined } from '../domain/matrix.js';
import { PREDICT, servedFunction } from '../training/role-program.js';

// Whether a served model computes what an evaluation computes, bit for bit.

type Computes = Pick<Session, 'run'>;

/** An output of a model. */
export interface NamedValues {
  readonly name: 'logits' | 'embedding';
  readonly values: Float32Array;
}

/** The output that is served: identities of the training images mean nothing to a client. */
export function servedOf({ logits, embedding }: Readonly<Record<string, Float32Array>>): NamedValues {
  return embedding ? { name: 'embedding', values: embedding } : { name: 'logits', values: logits! };
}

/** The outputs for images as an evaluation computes them. */
export async function evaluated(
  session: Computes,
  images: Uint8Array,
  pixels: number,
  batchSize: number,
): Promise<NamedValues> {
  const rows = images.length / pixels;
  const parts: Float32Array[] = [];
  let name: NamedValues['name'] = 'logits';
  for (let first = 0; first < rows; first += batchSize) {
    const batch = new Uint8Array(batchSize * pixels);
    batch.set(images.subarray(first * pixels, (first + batchSize) * pixels));
    const served = servedOf(await session.run(PREDICT, { images: batch }));
    const columns = served.values.length / batchSize;
    parts.push(served.values.slice(0, Math.min(batchSize, rows - first) * columns));
    name = served.name;
  }
  return { name, values: joined(parts) };
}

/** A session, and the images that it computes. */
export interface Trial {
  readonly session: Computes;
  readonly images: Uint8Array;
  /** Of an image. */
  readonly pixels: number;
}

/** The sizes of batches that have the expected bits, at whatever place in its batch an image is. */
export async function equalSizes(
  expected: NamedValues,
  sizes: readonly number[],
  trial: Trial,
): Promise<readonly number[]> {
  const equal: number[] = [];
  for (const size of sizes) {
    if (await computesAs(expected, size, trial)) equal.push(size);
  }
  return equal;
}

async function computesAs({ values }: NamedValues, size: number, { session, images, pixels }: Trial): Promise<boolean> {
  const rows = images.length / pixels;
  const columns = values.length / rows;
  // Once more with batches that begin in the middle of those: the last rows of a batch may be computed by another kernel.
  for (const start of new Set([0, size >> 1])) {
    for (let first = start; first + size <= rows; first += size) {
      const batch = Float32Array.from(images.subarray(first * pixels, (first + size) * pixels));
      const outputs = servedOf(await session.run(servedFunction(size), { images: batch })).values;
      const wanted = values.subarray(first * columns, (first + size) * columns);
      if (Buffer.compare(bytesOf(outputs), bytesOf(wanted)) !== 0) return false;
    }
  }
  return true;
}

/** Bytes that follow no pattern which a network could be blind to (a linear congruential generator: Park and Miller 1988). */
export function sampleImages(bytes: number): Uint8Array {
  const images = new Uint8Array(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at++) {
    state = (state * 48_271) % 2_147_483_647;
    images[at] = state >> 8;
  }
  return images;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
