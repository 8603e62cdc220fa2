import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32 } from './dtype.js';
import { Engine, type Session } from './engine.js';
import { type Program, trace } from './graph/trace.js';
import { native } from './native.js';
import { usesOwnKernels } from './own-convolutions.js';
import { randomNumbers } from './testing/numbers.js';
import { emptyModel, ONE_THREAD } from './testing/programs.js';
import { runOps } from './testing/run-ops.js';
import {
  type Geometry,
  summedFilterGradient,
  summedInputGradient,
  summedOutput,
} from './testing/summed-convolution.js';
import { tf } from './tfjs-internals/tf.js';

/** Batch, height, width, channels, filters, side of the filter, stride, padding. */
type Case = readonly [number, number, number, number, number, number, number, 'same' | 'valid'];

const CASES: readonly Case[] = [
  [3, 32, 32, 16, 16, 3, 1, 'same'],
  [5, 16, 16, 32, 32, 3, 1, 'same'],
  [9, 8, 8, 64, 64, 3, 1, 'same'],
  [2, 32, 32, 16, 32, 3, 2, 'same'],
  [2, 16, 16, 32, 64, 1, 2, 'same'],
  [2, 7, 9, 16, 32, 3, 2, 'same'],
  [3, 28, 28, 16, 16, 3, 1, 'same'],
  [2, 14, 17, 16, 16, 3, 1, 'valid'],
  [2, 12, 11, 32, 16, 5, 1, 'same'],
  [2, 15, 15, 16, 16, 7, 2, 'valid'],
  [1, 1, 1, 16, 16, 3, 1, 'same'],
  [2, 5, 20, 16, 48, 1, 1, 'valid'],
  [2, 9, 8, 16, 16, 2, 3, 'same'],
];

/** Few sums, which are computed one by one: chunks that are rows of an image, and images together; tiles of many widths. */
const SUMMED: readonly Case[] = [
  [2, 32, 32, 16, 16, 3, 1, 'same'],
  [5, 8, 8, 16, 32, 3, 1, 'same'],
  [2, 9, 13, 32, 16, 3, 1, 'same'],
  [1, 3, 5, 16, 64, 3, 1, 'valid'],
  [2, 7, 9, 16, 32, 3, 2, 'same'],
  [2, 12, 11, 16, 16, 5, 1, 'same'],
  [1, 15, 15, 16, 16, 7, 2, 'valid'],
  [1, 1, 1, 16, 16, 3, 1, 'same'],
  [2, 5, 20, 16, 48, 1, 1, 'valid'],
  [3, 16, 16, 32, 64, 1, 2, 'same'],
  [2, 9, 8, 16, 16, 2, 3, 'same'],
];

const outSide = (side: number, size: number, stride: number, padding: Case[7]) =>
  Math.ceil((padding === 'same' ? side : side - size + 1) / stride);

function shapesOf([batch, height, width, channels, filters, size, stride, padding]: Case) {
  const out = [outSide(height, size, stride, padding), outSide(width, size, stride, padding)] as const;
  return {
    x: [batch, height, width, channels] as const,
    filter: [size, size, channels, filters] as const,
    dy: [batch, ...out, filters] as const,
  };
}

function programOf(each: Case, ownKernels: boolean): Program {
  const { x, filter, dy } = shapesOf(each);
  const [stride, padding] = [each[6], each[7]];
  const convolution = {
    inputs: { x: float32(...x), filter: float32(...filter), dy: float32(...dy) },
    body: ({ inputs }: { inputs: Readonly<Record<'x' | 'filter' | 'dy', unknown>> }) => {
      type Image = import('@tensorflow/tfjs').Tensor4D;
      const convolve = (of: Image, by: Image) => tf.conv2d(of, by, stride, padding);
      const { value, grads } = tf.valueAndGrads(convolve as never)(
        [inputs.x as Image, inputs.filter as Image],
        inputs.dy as Image,
      );
      return { y: value, dx: grads[0]!, dw: grads[1]! };
    },
  };
  return trace(emptyModel, { convolution }, { ownKernels });
}

const count = (shape: readonly number[]) => shape.reduce((product, dimension) => product * dimension, 1);

function feedsOf(each: Case) {
  const { x, filter, dy } = shapesOf(each);
  return { x: randomNumbers(count(x), 1), filter: randomNumbers(count(filter), 2), dy: randomNumbers(count(dy), 3) };
}

async function outputs(each: Case, ownKernels: boolean, threads = 1) {
  const session: Session = await (await Engine.open({ ...ONE_THREAD, threads })).load(programOf(each, ownKernels));
  try {
    return await session.run('convolution', feedsOf(each));
  } finally {
    await session.close();
  }
}

/** The largest difference, relative to the largest value. */
function apart(own: Float32Array, other: Float32Array): number {
  expect(own.length).toBe(other.length);
  const largest = other.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return own.reduce((most, value, index) => Math.max(most, Math.abs(value - other[index]!)), 0) / largest;
}

function geometryOf(each: Case): Geometry {
  const [images, height, width, channels, filters, kernel, stride, padding] = each;
  const [, outHeight, outWidth] = shapesOf(each).dy;
  const before = (side: number, out: number) =>
    padding === 'same' ? Math.floor(Math.max((out - 1) * stride + kernel - side, 0) / 2) : 0;
  const [top, left] = [before(height, outHeight), before(width, outWidth)];
  return { images, height, width, channels, kernel, filters, outHeight, outWidth, stride, top, left };
}

describe.each(native.instructionSets())('a convolution of the addon, with %s', (instructionSet) => {
  beforeAll(() => native.takeInstructionSet(instructionSet));
  afterAll(() => native.takeInstructionSet(native.instructionSets()[0]!));

  test.each(SUMMED)('has the bits of sums in the documented order: %j', async (...each) => {
    const { x, filter, dy } = feedsOf(each);
    const own = await outputs(each, true);
    const geometry = geometryOf(each);
    expect(own.y).toEqual(summedOutput(geometry, x, filter));
    expect(own.dx).toEqual(summedInputGradient(geometry, filter, dy));
    expect(own.dw).toEqual(summedFilterGradient(geometry, x, dy));
  });

  test.each(CASES)('equals that of TensorFlow within 1e-5: %j', async (...each) => {
    const [own, other] = [await outputs(each, true, 2), await outputs(each, false)];
    expect([...programOf(each, true).operations.keys()].filter((type) => type.startsWith('Trikd'))).toHaveLength(3);
    for (const name of ['y', 'dx', 'dw']) expect(apart(own[name]!, other[name]!)).toBeLessThan(1e-5);
  });

  test('gives the same bits each time, and the gradient by the filter others with other threads', async () => {
    const [one, again] = [await outputs(CASES[2]!, true, 2), await outputs(CASES[2]!, true, 2)];
    expect(again).toEqual(one);
    const alone = await outputs(CASES[2]!, true, 1);
    expect([alone.y, alone.dx]).toEqual([one.y, one.dx]);
    expect(alone.dw).not.toEqual(one.dw);
    // More threads than images.
    expect((await outputs(CASES[2]!, true, 64)).y).toEqual(one.y);
  });

  test.each<[string, Case]>([
    ['filters that are no multiple of 16', [2, 8, 8, 16, 24, 3, 1, 'same']],
    ['a filter of 13x13', [2, 16, 16, 16, 16, 13, 1, 'same']],
    ['more than 256 channels', [2, 4, 4, 272, 16, 3, 1, 'same']],
    ['more weights than 128 filters of 3x3x128', [1, 3, 3, 128, 144, 3, 1, 'same']],
  ])('does not compute %s forward: TensorFlow does', (_what, each) => {
    expect(programOf(each, true).operations.get('Conv2D')).toBe(1);
  });

  test('computes what it can of the first layer, whose images have three channels', () => {
    const { operations } = programOf([2, 8, 8, 3, 16, 3, 1, 'same'], true);
    expect([operations.get('TrikdConv2D'), operations.get('Conv2DBackpropFilter')]).toEqual([1, 1]);
  });

  test('counts denormal numbers as zero on all of its threads, as TensorFlow does', async () => {
    const each = CASES[1]!;
    const feeds = feedsOf(each);
    const tiny = { ...feeds, x: feeds.x.map(() => 1e-40), filter: feeds.filter.map(() => 1e30) };
    const session = await (await Engine.open({ ...ONE_THREAD, threads: 4 })).load(programOf(each, true));
    const { y } = await session.run('convolution', tiny);
    expect(y!.every((value) => value === 0)).toBe(true);
    await session.close();
  });
});

describe.each(native.instructionSets())('an op of the addon that is used wrongly is refused by name', () => {
  const attributes = { stride: 1, top: 0, left: 0, height: 4, width: 4 };

  test.each<[Partial<typeof attributes>, readonly number[], readonly number[], RegExp]>([
    [{}, [1, 4, 4, 16], [3, 3, 8, 16], /for other channels/],
    [{}, [1, 4, 4, 16], [3, 3, 16, 15], /multiple of 16/],
    [{}, [1, 4, 16], [3, 3, 16, 16], /four dimensions/],
    [{}, [1, 4, 4, 16], [12, 3, 16, 16], /filter is too large/],
    [{ height: 400 }, [1, 4, 4, 16], [3, 3, 16, 16], /does not fit/],
    [{ top: 3 }, [1, 4, 4, 16], [3, 3, 16, 16], /padding is larger/],
    [{ stride: 0 }, [1, 4, 4, 16], [3, 3, 16, 16], /stride is out of range/],
    [{ height: 1_000_000 }, [1, 4, 4, 16], [3, 3, 16, 16], /height is out of range/],
    [{}, [1, 0, 4, 16], [3, 3, 16, 16], /dimension is 0/],
  ])('%j %j %j', async (changes, x, filter, message) => {
    const inputs = [x, filter].map((shape) => ({ shape, values: new Float32Array(count(shape)) }));
    const written = Object.entries({ ...attributes, ...changes }).map(
      ([name, value]) => ({ name, kind: 'int', value }) as const,
    );
    await expect(runOps([{ type: 'TrikdConv2D', inputs, attributes: written }], [[0, 0]])).rejects.toThrow(message);
  });
});

test.each([
  [{}, false],
  [{ kernels: 'tensorflow' }, false],
  [{ kernels: 'own' }, native.hasConvolutions()],
  [{ kernels: 'own', precision: 'bfloat16' }, false],
  [{ kernels: 'own', device: 'gpu' }, false],
] as const)('own kernels are used when asked for, in float32 on a CPU that has them: %j', (changes, used) => {
  expect(usesOwnKernels({ ...ONE_THREAD, ...changes })).toBe(used);
});
