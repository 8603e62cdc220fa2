import type { Rank, Tensor } from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, int32, type TensorSpec } from './dtype.js';
import { Engine, type Feeds, type Session } from './engine.js';
import type { FunctionDefinition } from './graph/trace.js';
import { distance, dot, randomNumbers } from './testing/numbers.js';
import { ONE_THREAD, traceFunctions, withSession } from './testing/programs.js';
import { tf } from './tfjs-internals/tf.js';

/** A differentiable function of tensors, which the graph and the cpu backend of tfjs both compute. */
interface Kernel {
  readonly shapes: readonly (readonly number[])[];
  readonly f: (...inputs: Tensor[]) => Tensor;
  /** Inputs spread apart: no small change of one crosses a kink of the function. */
  readonly apart?: boolean;
}

const conv = (size: number, stride: number, side: number): Kernel => ({
  shapes: [
    [2, side, side, 3],
    [size, size, 3, 4],
  ],
  f: (x, kernel) => tf.conv2d(x as Tensor<Rank.R4>, kernel as Tensor<Rank.R4>, stride, 'same'),
});

const pool = (side: number): Kernel => ({
  shapes: [[2, side, side, 3]],
  f: (x) => tf.maxPool(x as Tensor<Rank.R4>, 2, 2, 'valid'),
  apart: true,
});

const kernels: Readonly<Record<string, Kernel>> = {
  'a 3x3 convolution, even side': conv(3, 1, 4),
  'a 3x3 convolution, odd side': conv(3, 1, 5),
  'a 3x3 convolution with stride 2, even side': conv(3, 2, 4),
  'a 3x3 convolution with stride 2, odd side': conv(3, 2, 5),
  'a 1x1 convolution': conv(1, 1, 4),
  'a 1x1 convolution with stride 2, even side': conv(1, 2, 4),
  'a 1x1 convolution with stride 2, odd side': conv(1, 2, 5),
  relu: { shapes: [[3, 7]], f: (x) => tf.relu(x), apart: true },
  'max pooling, even side': pool(4),
  'max pooling, odd side': pool(5),
  'global average pooling': { shapes: [[2, 3, 3, 4]], f: (x) => tf.mean(x, [1, 2]) },
  'an addition': {
    shapes: [
      [2, 3],
      [2, 3],
    ],
    f: (a, b) => tf.add(a, b),
  },
  'a channel-wise scale and shift': { shapes: [[2, 2, 2, 3], [3], [3]], f: (x, a, b) => tf.add(tf.mul(x, a), b) },
  'a dense layer': {
    shapes: [[4, 3], [3, 5], [5]],
    f: (x, w, b) => tf.add(tf.matMul(x as Tensor<Rank.R2>, w as Tensor<Rank.R2>), b),
  },
  flattening: { shapes: [[2, 2, 3, 2]], f: (x) => tf.mul(tf.reshape(x, [2, 12]), tf.range(0, 12)) },
  'the logarithm of softmax': { shapes: [[4, 5]], f: (x) => tf.logSoftmax(x) },
  'a division by a scalar': { shapes: [[2, 3], []], f: (x, t) => tf.div(x, tf.add(t, 3)) },
  'a mean of squares': { shapes: [[4, 3]], f: (x) => tf.mean(tf.square(x)) },
  'an exponential, negated and subtracted': { shapes: [[5], [5]], f: (a, b) => tf.sub(tf.neg(tf.exp(a)), b) },
  'a sum over columns of a product': {
    shapes: [
      [3, 4],
      [3, 4],
    ],
    f: (a, b) => tf.sum(tf.mul(a, b), 1),
  },
  'a stack of scalars': { shapes: [[], []], f: (a, b) => tf.stack([tf.mul(a, b), b, tf.square(a)]) },
  'a sum of many': { shapes: [[3], [3], [3]], f: (a, b, c) => tf.addN([a, b, tf.mul(c, a)]) },
  'a concatenation': {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    f: (a, b) => tf.concat([a, b, tf.neg(a)], 1),
  },
  'a root and a power': { shapes: [[4]], f: (x) => tf.sqrt(tf.pow(tf.add(x, 2), tf.scalar(3))) },
  'the smaller of two': { shapes: [[4]], f: (x) => tf.minimum(x, 0.3), apart: true },
};

const size = (shape: readonly number[]) => shape.reduce((product, dimension) => product * dimension, 1);

/** Values at least 0.1 apart, none of them within 0.05 of zero, in a shuffled order. */
function apart(count: number, seed: number): Float32Array {
  const order = Array.from(randomNumbers(count, seed).entries()).sort(([, a], [, b]) => a - b);
  return Float32Array.from(order, ([place]) => 0.1 * (place - Math.floor(count / 2)) + 0.05);
}

function valuesOf({ shapes, apart: spread }: Kernel): Float32Array[] {
  return shapes.map((shape, index) => (spread ? apart(size(shape), index + 1) : randomNumbers(size(shape), index + 1)));
}

/** The output, and the gradient of its product with `dy` for every input. */
function outputs({ f }: Kernel, inputs: Tensor[], dy: (value: Tensor) => Tensor): Record<string, Tensor> {
  const { value, grads } = tf.valueAndGrads((...own: Tensor[]) => {
    const output = f(...own);
    return tf.sum(tf.mul(output, dy(output)));
  })(inputs);
  const named = grads.map((gradient, index) => [`gradient${index}`, gradient] as const);
  return { value: f(...inputs), product: value, ...Object.fromEntries(named) };
}

/** Weights of the output, the same in the graph and outside. */
const weigh = (output: Tensor) => tf.tensor(randomNumbers(output.size, 99), output.shape);

const inputNames = ({ shapes }: Kernel) => shapes.map((_, index) => `x${index}`);

function definition(kernel: Kernel): FunctionDefinition {
  const names = inputNames(kernel);
  return {
    inputs: Object.fromEntries(names.map((name, index) => [name, float32(...kernel.shapes[index]!)])),
    body: ({ inputs }) =>
      outputs(
        kernel,
        names.map((name) => inputs[name]!),
        weigh,
      ),
  };
}

/** Functions of whole numbers, which have no gradient. */
const whole: Readonly<
  Record<
    string,
    {
      inputs: Record<string, TensorSpec>;
      feeds: Feeds;
      f: (inputs: Readonly<Record<string, Tensor>>) => Tensor;
      expected: number[];
    }
  >
> = {
  'one-hot rows': {
    inputs: { labels: int32(3) },
    feeds: { labels: Int32Array.of(2, 0, 3) },
    f: ({ labels }) => tf.cast(tf.oneHot(labels!, 4), 'float32'),
    expected: [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1],
  },
  'a one-hot row of a label that is no class': {
    inputs: { labels: int32(1) },
    feeds: { labels: Int32Array.of(9) },
    f: ({ labels }) => tf.cast(tf.oneHot(labels!, 3), 'float32'),
    expected: [0, 0, 0],
  },
  'gathered rows': {
    inputs: { x: float32(3, 2), rows: int32(2) },
    feeds: { x: Float32Array.of(1, 2, 3, 4, 5, 6), rows: Int32Array.of(2, 0) },
    f: ({ x, rows }) => tf.gather(x!, rows as Tensor<Rank.R1>),
    expected: [5, 6, 1, 2],
  },
  'the rows whose largest column is the label': {
    inputs: { logits: float32(3, 3), labels: int32(3) },
    feeds: { logits: Float32Array.of(1, 3, 2, 5, 5, 1, -1, -2, -3), labels: Int32Array.of(1, 1, 0) },
    f: ({ logits, labels }) => tf.sum(tf.cast(tf.equal(tf.argMax(logits!, 1), labels!), 'float32')),
    expected: [2],
  },
};

let session: Session;

beforeAll(async () => {
  const differentiable = Object.entries(kernels).map(([name, kernel]) => [name, definition(kernel)] as const);
  const counted = Object.entries(whole).map(
    ([name, { inputs, f }]) =>
      [name, { inputs, body: (scope) => ({ value: f(scope.inputs) }) } satisfies FunctionDefinition] as const,
  );
  const program = traceFunctions(Object.fromEntries([...differentiable, ...counted]));
  session = await (await Engine.open(ONE_THREAD)).load(program);
});

afterAll(() => session.close());

describe.each(Object.entries(kernels))('%s', (name, kernel) => {
  const feedsOf = (values: readonly Float32Array[]): Feeds =>
    Object.fromEntries(inputNames(kernel).map((input, index) => [input, values[index]!]));

  test('has the values and gradients of the cpu backend of tfjs', async () => {
    const values = valuesOf(kernel);
    const traced = await session.run(name, feedsOf(values));
    const eager = tf.tidy(() => {
      const inputs = values.map((value, index) => tf.tensor(value, [...kernel.shapes[index]!]));
      const computed = Object.entries(outputs(kernel, inputs, weigh));
      return Object.fromEntries(computed.map(([output, tensor]) => [output, Array.from(tensor.dataSync())]));
    });
    expect(Object.keys(traced)).toEqual(Object.keys(eager));
    for (const [output, expected] of Object.entries(eager)) {
      expect(distance(traced[output]!, expected), output).toBeLessThanOrEqual(1);
    }
  });

  test('has the gradient of finite differences', async () => {
    const values = valuesOf(kernel);
    const traced = await session.run(name, feedsOf(values));
    for (const [index, value] of values.entries()) {
      const direction = randomNumbers(value.length, 7 + index);
      const moved = async (step: number) => {
        const there = values.map((own, i) => (i === index ? own.map((x, k) => x + step * direction[k]!) : own));
        return (await session.run(name, feedsOf(there))).product![0]!;
      };
      const slope = ((await moved(0.01)) - (await moved(-0.01))) / 0.02;
      // The error of the differences: float32 sums over 0.02, and the third derivative times 1e-4.
      expect(
        distance([dot(traced[`gradient${index}`]!, direction)], [slope], { relative: 2e-3, absolute: 2e-3 }),
        `input ${index}`,
      ).toBeLessThanOrEqual(1);
    }
  });
});

test.each(Object.entries(whole))('%s', async (name, { feeds, expected }) => {
  expect(Array.from((await session.run(name, feeds)).value!)).toEqual(expected);
});

test('a gathered row that does not exist fails by name', () => {
  const program = traceFunctions({
    gather: {
      inputs: { x: float32(3, 2), rows: int32(1) },
      body: ({ inputs }) => ({ y: tf.gather(inputs.x!, inputs.rows as Tensor<Rank.R1>) }),
    },
  });
  return withSession(program, (own) =>
    expect(own.run('gather', { x: new Float32Array(6), rows: Int32Array.of(3) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      operation: expect.stringMatching(/^GatherV2_/),
    }),
  );
});

test('an op that fails at run time fails by name, and the session goes on', async () => {
  const program = traceFunctions({
    divide: {
      inputs: { by: int32() },
      body: ({ inputs }) => ({ value: tf.cast(tf.floorDiv(tf.scalar(7, 'int32'), inputs.by!), 'float32') }),
    },
  });
  await withSession(program, async (own) => {
    const failure = {
      name: 'EngineError',
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/division by zero/i),
    };
    await expect(own.run('divide', { by: 0 })).rejects.toMatchObject(failure);
    expect(await own.run('divide', { by: 2 })).toEqual({ value: Float32Array.of(3) });
  });
});
