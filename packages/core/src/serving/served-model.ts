import { Engine, type Program, type Session } from '@trikd/engine';
import type { Lane, Slice } from '../async/batcher.js';
import { assertParamsMatch } from '../checkpoint/blobs.js';
import { type ImageShape, imageBytes } from '../data/image-source.js';
import type { Params } from '../models/params.js';
import type { RunSpec } from '../spec/run-spec.js';
import { servedFunction } from '../training/role-program.js';
import { expectedParams } from '../training/sessions.js';
import { equalSizes, evaluated, sampleImages, servedOf } from './bits-of-evaluation.js';

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
  /** Those of batches that one thread computes; none where it would compute other bits, or where there is one thread anyway. */
  readonly singleThreadSizes: readonly number[];
  /** Whether each row has the bits of an evaluation. Otherwise its last bits depend on the size of its batch and its place there. */
  readonly isExact: boolean;
  readonly output: Omit<ServedOutput, 'values'>;
  /** Computes batches of at most the largest size, several at a time if it is called so. */
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
 * another number of rows or of threads, or in the last rows of a batch. On processors with AVX-512 they do so for one row alone, and only in
 * some networks. Every size computes the same images as the batches of an evaluation, and is left out if one bit differs. This also warms it
 * up. Where no size is left, as for some networks without AVX-512, all of them are used.
 *
 * A batch that is computed while no other is uses the threads of the run. One that is computed beside others uses a single thread of
 * another session, if its bits are the same: threads that share a batch wait for each other, and need more time of the processors for it.
 * @throws TrikdError 'invalid' if the params are not those of the model
 */
export async function openServed({ program, sizes, spec, shape, params }: ServedParts): Promise<ServedModel> {
  const wanted = expectedParams(program);
  const own = new Map([...params].filter(([name]) => wanted.has(name)));
  assertParamsMatch(own, wanted, 'params of the served model');
  const sessions: Session[] = [];
  const open = async (options: RunSpec['engine']) => {
    const session = await (await Engine.open(options)).load(program, own);
    sessions.push(session);
    return session;
  };
  const close = async () => {
    for (const session of sessions) await session.close();
  };
  try {
    const { engine, batchSize } = spec;
    const pixels = imageBytes(shape);
    const largest = Math.max(...sizes);
    // Enough that a batch of the largest size can begin in its middle.
    const images = sampleImages((largest + (largest >> 1)) * pixels);
    const session = await open(engine);
    const expected = await evaluated(session, images, pixels, batchSize);
    const equal = await equalSizes(expected, sizes, { session, images, pixels });
    const isExact = equal.length > 0;
    const used = isExact ? equal : sizes;
    const alone = servedBatches(session, used, pixels);
    let beside = alone;
    let singleThreadSizes: readonly number[] = [];
    if (engine.device === 'cpu' && engine.threads > 1) {
      const single = await open({ ...engine, threads: 1 });
      const same = await equalSizes(expected, sizes, { session: single, images, pixels });
      singleThreadSizes = isExact ? same : sizes;
      if (singleThreadSizes.length > 0) beside = servedBatches(single, singleThreadSizes, pixels, alone);
      else await single.close();
    }
    const output = { name: expected.name, columns: (expected.values.length * pixels) / images.length };
    let running = 0;
    return {
      sizes: used,
      singleThreadSizes,
      isExact,
      output,
      async lane(slices) {
        const compute = running === 0 ? alone : beside;
        running += 1;
        try {
          return apart(slices, output, await compute(slices));
        } finally {
          running -= 1;
        }
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Compute = (slices: readonly Slice<Pixels>[]) => Promise<Float32Array>;

/** @param otherwise computes batches that are larger than all sizes */
function servedBatches(
  session: Pick<Session, 'run'>,
  sizes: readonly number[],
  pixels: number,
  otherwise?: Compute,
): Compute {
  const buffers = new Map(sizes.map((size) => [size, new Float32Array(size * pixels)]));
  return async (slices) => {
    const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
    const size = sizes.find((each) => each >= rows);
    if (size === undefined && otherwise) return await otherwise(slices);
    const images = buffers.get(size!)!;
    fill(images, slices, pixels);
    // A run copies the images before it returns its promise, so that the next one can fill the buffer.
    return servedOf(await session.run(servedFunction(size!), { images })).values;
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
