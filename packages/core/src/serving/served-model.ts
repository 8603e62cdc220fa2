import { Engine, type Program, type Session } from '@trikd/engine';
import type { Lane, Slice } from '../async/batcher.js';
import { assertParamsMatch } from '../checkpoint/blobs.js';
import { type ImageShape, imageBytes } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import type { Params } from '../models/params.js';
import type { RunSpec } from '../spec/run-spec.js';
import { expectedParams } from '../training/expected-params.js';
import { PREDICT, servedFunction } from '../training/role-program.js';

/** Images one after another, values 0..255. */
export type Pixels = Uint8Array | Float32Array;

/** The output of a model for some images, row by row. */
export interface ServedOutput {
  /** Of classification, or of verification. */
  readonly name: 'logits' | 'embedding';
  readonly columns: number;
  readonly values: Float32Array;
}

/** A trained model that answers batches of any size. */
export interface ServedModel {
  /** Rows of the batches that it computes, ascending. A batch of another size is filled up to the next. */
  readonly sizes: readonly number[];
  readonly output: Omit<ServedOutput, 'values'>;
  /** Computes batches of at most the largest size, one at a time. */
  readonly lane: Lane<Pixels, ServedOutput>;
  close(): Promise<void>;
}

/** What a model is opened from. */
export interface ServedParts {
  /** Of `traceServed`. */
  readonly program: Program;
  /** Sizes that it was traced for, ascending. */
  readonly sizes: readonly number[];
  readonly spec: RunSpec;
  readonly shape: ImageShape;
  readonly params: Params;
}

/** Rows of a batch that are traced: powers of two up to the largest batch, that, and the size of an evaluation's batches. */
export function batchSizes(largest: number, { batchSize }: Pick<RunSpec, 'batchSize'>): readonly number[] {
  const sizes = new Set([largest, batchSize]);
  for (let size = 1; size < largest; size *= 2) sizes.add(size);
  return [...sizes].sort((a, b) => a - b);
}

/**
 * Opens a model, and keeps the sizes of batches with which it computes the bits of an evaluation: kernels may add in another order for
 * another number of rows. On the processors that were tried they do so for one row alone, and only in some networks. Every size computes
 * the same images as the batches of an evaluation, and is left out if one bit differs. This also warms it up.
 * @throws TrikdError 'invalid' if the params are not those of the model, 'corrupt' if no size computes the bits of an evaluation
 */
export async function openServed({ program, sizes, spec, shape, params }: ServedParts): Promise<ServedModel> {
  const wanted = expectedParams(program);
  const own = new Map([...params].filter(([name]) => wanted.has(name)));
  assertParamsMatch(own, wanted, 'params of the served model');
  const engine = await Engine.open(spec.engine);
  const session = await engine.load(program, own);
  try {
    const pixels = imageBytes(shape);
    const images = sampleImages(Math.max(...sizes) * pixels);
    const expected = await evaluated(session, images, pixels, spec.batchSize);
    const equal: number[] = [];
    for (const size of sizes) {
      if (await computesAs(expected, { session, images, pixels, size })) equal.push(size);
    }
    if (equal.length === 0) {
      throw new TrikdError('corrupt', `batches of ${sizes.join(', ')} rows do not compute the bits of an evaluation`);
    }
    const compute = servedBatches(session, equal, pixels);
    const { name } = expected;
    const output = { name, columns: expected.values.length / Math.max(...sizes) };
    return {
      sizes: equal,
      output,
      lane: async (slices) => apart(slices, output, await compute(slices)),
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

type Computes = Pick<Session, 'run'>;

interface NamedValues {
  readonly name: ServedOutput['name'];
  readonly values: Float32Array;
}

/** The output that is served: identities of the training images mean nothing to a client. */
function servedOf({ logits, embedding }: Readonly<Record<string, Float32Array>>): NamedValues {
  return embedding ? { name: 'embedding', values: embedding } : { name: 'logits', values: logits! };
}

/** The outputs for images as an evaluation computes them. */
async function evaluated(
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

interface Trial {
  readonly session: Computes;
  readonly images: Uint8Array;
  /** Of an image. */
  readonly pixels: number;
  /** Rows of a batch. */
  readonly size: number;
}

/** Whether batches of a size have the expected bits. */
async function computesAs({ values }: NamedValues, { session, images, pixels, size }: Trial): Promise<boolean> {
  const rows = images.length / pixels;
  const columns = values.length / rows;
  for (let first = 0; first + size <= rows; first += size) {
    const batch = Float32Array.from(images.subarray(first * pixels, (first + size) * pixels));
    const outputs = servedOf(await session.run(servedFunction(size), { images: batch })).values;
    const wanted = values.subarray(first * columns, (first + size) * columns);
    if (Buffer.compare(bytesOf(outputs), bytesOf(wanted)) !== 0) return false;
  }
  return true;
}

type Compute = (slices: readonly Slice<Pixels>[]) => Promise<Float32Array>;

function servedBatches(session: Computes, sizes: readonly number[], pixels: number): Compute {
  const buffers = new Map(sizes.map((size) => [size, new Float32Array(size * pixels)]));
  return async (slices) => {
    const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
    const size = sizes.find((each) => each >= rows)!;
    const images = buffers.get(size)!;
    fill(images, slices, pixels);
    return servedOf(await session.run(servedFunction(size), { images })).values;
  };
}

/** Puts the rows of slices one after another, and nothing after them. */
function fill(images: Float32Array, slices: readonly Slice<Pixels>[], pixels: number): void {
  let at = 0;
  for (const { input, first, rows } of slices) {
    images.set(input.subarray(first * pixels, (first + rows) * pixels), at);
    at += rows * pixels;
  }
  images.fill(0, at);
}

/** The outputs of a batch, slice by slice. */
function apart(
  slices: readonly Slice<Pixels>[],
  { name, columns }: Omit<ServedOutput, 'values'>,
  values: Float32Array,
): ServedOutput[] {
  let row = 0;
  return slices.map(({ rows }) => {
    const own = values.slice(row * columns, (row + rows) * columns);
    row += rows;
    return { name, columns, values: own };
  });
}

/** Bytes that follow no pattern which a network could be blind to (a linear congruential generator: Park and Miller 1988). */
function sampleImages(bytes: number): Uint8Array {
  const images = new Uint8Array(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at++) {
    state = (state * 48_271) % 2_147_483_647;
    images[at] = state >> 8;
  }
  return images;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
