import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineOptions } from './config-proto.js';
import { float32 } from './dtype.js';
import { type Program, trace } from './graph/trace.js';
import { batchNormalization } from './layers/batch-normalization.js';
import { native } from './native.js';
import { dot, randomNumbers } from './testing/numbers.js';
import { ONE_THREAD, withSession } from './testing/programs.js';
import { runOps } from './testing/run-ops.js';
import { summedMoments, summedNormalisation, summedNormalisationGradient } from './testing/summed-batch-norm.js';
import { tf } from './tfjs-internals/tf.js';

type Node = ReturnType<typeof tf.input>;
type Shape = readonly [number, number, number, number];

const through = (layer: InstanceType<typeof tf.layers.Layer>, node: Node | Node[]) => layer.apply(node) as Node;
const norm = (name: string, node: Node) => through(batchNormalization({ name, epsilon: 1e-3 }), node);
const tanh = (node: Node) => through(tf.layers.activation({ activation: 'tanh' }), node);
const convolution = (seed: number, node: Node) => {
  const kernelInitializer = tf.initializers.glorotUniform({ seed });
  const filters = node.shape.at(-1)!;
  const settings = { filters, kernelSize: 3, padding: 'same', useBias: false, kernelInitializer } as const;
  return through(tf.layers.conv2d({ name: `conv${seed}`, ...settings }), node);
};
const relu = (node: Node) => through(tf.layers.activation({ activation: 'relu' }), node);
const add = (...nodes: Node[]) => through(tf.layers.add(), nodes);

/** Networks of images, and of other images that are made of them. */
const NETWORKS = {
  'batch norm': (x: Node, other: Node) => add(norm('a', x), other),
  'batch norm and ReLU': (x: Node, other: Node) => add(relu(norm('a', x)), other),
  'batch norm, addition and ReLU': (x: Node, other: Node) => relu(add(norm('a', x), other)),
  'addition of two batch norms, and ReLU': (x: Node, other: Node) => relu(add(norm('a', x), norm('b', other))),
  'what was normalised is used twice': (x: Node, other: Node) => {
    const normalised = norm('a', x);
    return add(relu(add(other, normalised)), normalised);
  },
  'residual blocks': (x: Node, other: Node) => {
    const first = relu(norm('a', add(x, other)));
    const second = relu(add(norm('b', first), first));
    return relu(add(norm('c', second), second));
  },
  'convolutions between them': (x: Node, other: Node) => {
    const first = relu(norm('a', convolution(1, x)));
    const second = convolution(2, first);
    return add(relu(add(norm('b', second), other)), second);
  },
  'a convolution that is also read before': (x: Node, other: Node) => {
    const convolved = convolution(1, x);
    return add(relu(add(norm('a', convolved), other)), tanh(convolved));
  },
} as const;
type Network = keyof typeof NETWORKS;

const SHAPES: readonly Shape[] = [
  [2, 32, 32, 16],
  [5, 7, 9, 48],
  [3, 3, 3, 112],
  [2, 1, 1, 16],
  [1, 5, 3, 64],
  [33, 1, 1, 272],
];

function programOf(network: Network, shape: Shape, ownKernels: boolean): Program {
  const build = () => {
    const x = tf.input({ shape: shape.slice(1) });
    const other = tanh(x);
    return tf.model({ inputs: x, outputs: NETWORKS[network](x, other) });
  };
  const inputs = { x: float32(...shape), dy: float32(...shape) };
  return trace(
    build,
    {
      inputs: {
        inputs,
        body(scope) {
          const apply = (x: Tensor) => scope.model(x, { training: true });
          const { value, grad } = tf.valueAndGrad(apply)(scope.inputs.x!, scope.inputs.dy!);
          return { y: value, dx: grad };
        },
      },
      params: {
        inputs,
        body(scope) {
          const { x, dy } = scope.inputs;
          const { loss } = scope.gradients(() => {
            return { loss: tf.sum(tf.mul(scope.model(x!, { training: true }), dy!)) as Scalar };
          });
          return Object.fromEntries(loss.gradients.map(({ variable, gradient }) => [variable.name, gradient]));
        },
      },
    },
    { ownKernels },
  );
}

const count = (shape: readonly number[]) => shape.reduce((product, dimension) => product * dimension, 1);

/** Far from zero, before and after they are normalised: a number that is all but zero may pass ReLU on one side and not on the other. */
function feedsOf(shape: Shape) {
  const x = randomNumbers(count(shape), 1).map((value) => Math.sign(value) + value / 2);
  return { x, dy: randomNumbers(count(shape), 2) };
}

type Results = Readonly<Record<string, Float32Array>>;

/** Outputs, gradients, and the moving statistics. */
async function resultsOf(program: Program, shape: Shape, options: EngineOptions = ONE_THREAD): Promise<Results> {
  return withSession(
    program,
    async (session) => {
      const feeds = feedsOf(shape);
      const results = { ...(await session.run('inputs', feeds)), ...(await session.run('params', feeds)) };
      const state = [...(await session.state())].filter(([name]) => name.includes('moving'));
      return { ...results, ...Object.fromEntries(state.map(([name, { data }]) => [name, data as Float32Array])) };
    },
    options,
  );
}

/** The largest difference, relative to the largest value. */
function apart(own: Float32Array, other: Float32Array): number {
  expect(own.length).toBe(other.length);
  const largest = other.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return own.reduce((most, value, index) => Math.max(most, Math.abs(value - other[index]!)), 0) / largest;
}

type Triple = [Float32Array, Float32Array, Float32Array];

const ints = (values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([name, value]) => ({ name, kind: 'int', value }) as const);

const typesOf = (program: Program) => [...program.operations.keys()];
const TWO_THREADS = { ...ONE_THREAD, threads: 2 };

describe.each(native.instructionSets())('batch norm by the addon, with %s', (instructionSet) => {
  beforeAll(() => native.takeInstructionSet(instructionSet));
  afterAll(() => native.takeInstructionSet(native.instructionSets()[0]!));

  test.each<[Shape]>([[[3, 11, 13, 16]], [[2, 9, 7, 48]], [[1, 5, 3, 64]], [[2, 7, 5, 112]], [[6, 13, 17, 32]]])(
    'has the bits of sums in the documented order: %j',
    async (shape) => {
      const channels = shape[3];
      const [x, other, dy] = [1, 2, 3].map((seed) => randomNumbers(count(shape), seed)) as Triple;
      const [gamma, beta] = [4, 5].map((seed) => randomNumbers(channels, seed)) as Triple;
      const images = (values: Float32Array) => ({ shape, values });
      const each = (values: Float32Array) => ({ shape: [channels], values });
      const epsilon = 2 ** -10;
      const results = await runOps(
        [
          {
            type: 'TrikdBatchNormMoments',
            inputs: [images(x)],
            attributes: [{ name: 'epsilon', kind: 'float', value: epsilon }],
          },
          {
            type: 'TrikdBatchNormRelu',
            inputs: [images(x), [0, 0], [0, 2], each(gamma), each(beta), [images(other)]],
            attributes: ints({ others: 1, masks: 1 }),
          },
          {
            type: 'TrikdBatchNormGrad',
            inputs: [[images(dy)], [[1, 1]], images(x), [0, 0], [0, 2], each(gamma)],
            attributes: ints({ upstreams: 1, masks: 1, kept: 1 }),
          },
        ],
        [0, 0, 0, 1, 2, 2, 2, 2].map((op, at) => [op, at < 3 ? at : Math.max(at - 4, 0)] as const),
      );
      const [mean, variance, inverse, y, dx, dgamma, dbeta, kept] = results;
      const moments = summedMoments(x, channels, epsilon);
      expect({ mean, variance, inverse }).toEqual(moments);
      expect(y).toEqual(summedNormalisation(x, moments, gamma, beta, other));
      const arriving = dy.map((value, at) => (y![at]! > 0 ? value : 0));
      expect(kept).toEqual(arriving);
      expect({ dx, dgamma, dbeta }).toEqual(summedNormalisationGradient(x, moments, gamma, arriving));
    },
  );

  test.each([
    ...(Object.keys(NETWORKS) as Network[]).map((network) => [network, SHAPES[1]!] as const),
    ...SHAPES.map((shape) => ['residual blocks', shape] as const),
  ])('equals that of TensorFlow within 1e-5, with others before it within 4e-5: %s, %j', async (network, shape) => {
    const program = programOf(network, shape, true);
    expect(typesOf(program).filter((type) => type.startsWith('FusedBatchNorm'))).toEqual([]);
    // A batch norm takes over what those before it differ by.
    const within = network === 'residual blocks' || network.includes('convolution') ? 4e-5 : 1e-5;
    const own = await resultsOf(program, shape, TWO_THREADS);
    const other = await resultsOf(programOf(network, shape, false), shape);
    expect(Object.keys(own)).toEqual(Object.keys(other));
    for (const name of Object.keys(other)) expect(apart(own[name]!, other[name]!), name).toBeLessThan(within);
  });

  test('has the same bits each time, and with any number of threads', async () => {
    const program = programOf('residual blocks', SHAPES[0]!, true);
    const results = await resultsOf(program, SHAPES[0]!);
    expect(await resultsOf(program, SHAPES[0]!, TWO_THREADS)).toEqual(results);
    expect(await resultsOf(program, SHAPES[0]!, { ...ONE_THREAD, threads: 5 })).toEqual(results);
  });

  test('takes its moments from the convolution before it, unless that is read elsewhere already', () => {
    const opsOf = (network: Network) => {
      const { operations } = programOf(network, SHAPES[1]!, true);
      // In each of two functions.
      return ['TrikdConv2DMoments', 'TrikdBatchNormMoments'].map((type) => (operations.get(type) ?? 0) / 2);
    };
    expect(opsOf('convolutions between them')).toEqual([2, 0]);
    expect(opsOf('a convolution that is also read before')).toEqual([0, 1]);
  });

  test('has the same bits each time behind a convolution', async () => {
    const program = programOf('convolutions between them', SHAPES[1]!, true);
    const results = await resultsOf(program, SHAPES[1]!, TWO_THREADS);
    expect(await resultsOf(program, SHAPES[1]!, TWO_THREADS)).toEqual(results);
  });

  test('has the gradient that the outputs change by', async () => {
    const shape = SHAPES[1]!;
    const { x, dy } = feedsOf(shape);
    const direction = randomNumbers(x.length, 7);
    await withSession(programOf('residual blocks', shape, true), async (session) => {
      const { dx } = await session.run('inputs', { x, dy });
      const at = async (step: number) => {
        const { y } = await session.run('inputs', { x: x.map((value, i) => value + step * direction[i]!), dy });
        return dot(y!, dy);
      };
      const step = 1 / 64;
      const slope = dot(dx!, direction);
      expect(Math.abs(((await at(step)) - (await at(-step))) / (2 * step) / slope - 1)).toBeLessThan(0.01);
    });
  });

  test('keeps the digits of a deviation that is small beside the mean', async () => {
    const shape = [4, 32, 32, 16] as const;
    const x = randomNumbers(count(shape), 1).map((value) => 1000 + value);
    await withSession(programOf('batch norm', shape, true), async (session) => {
      await session.run('inputs', { x, dy: x });
      const variance = (await session.state()).get('a/moving_variance')!.data;
      for (const channel of [0, 15]) {
        const values = Array.from(x).filter((_, index) => index % 16 === channel);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(variance[channel]! / (0.9 + (0.1 * squares) / (values.length - 1))).toBeCloseTo(1, 6);
      }
    });
  });

  test('hands on what is not a number', async () => {
    const shape = SHAPES[1]!;
    const { x, dy } = feedsOf(shape);
    x[0] = Number.NaN;
    await withSession(programOf('batch norm and ReLU', shape, true), async (session) => {
      const { y } = await session.run('inputs', { x, dy });
      expect(y!.filter((_, index) => index % shape[3] === 0).every(Number.isNaN)).toBe(true);
      expect(y!.filter((_, index) => index % shape[3] !== 0).some(Number.isNaN)).toBe(false);
    });
  });

  test('joins ReLU and addition: TensorFlow runs no op of its own for them', async () => {
    const program = programOf('residual blocks', SHAPES[3]!, true);
    await withSession(program, async (session) => {
      const { ops } = await session.profile('inputs', feedsOf(SHAPES[3]!));
      const ran = ops.map(({ type }) => type.replace(/^_(Mkl)?/, ''));
      // The sum that the first block begins with, and the one of the gradients of x, are of no batch norm.
      expect(ran.filter((type) => /^(Relu|ReluGrad|FusedBatchNorm.*|TrikdBatchNorm)$/.test(type))).toEqual([]);
      expect(ran.filter((type) => type === 'TrikdBatchNormRelu')).toHaveLength(3);
      expect(ran.filter((type) => type === 'TrikdBatchNormGrad')).toHaveLength(3);
    });
  });
});

test.each<[string, Shape]>([
  ['channels that are no multiple of 16', [2, 4, 4, 24]],
  ['a single channel', [2, 4, 4, 1]],
])('batch norm is left to TensorFlow with %s', (_what, shape) => {
  expect(programOf('residual blocks', shape, true).operations).toEqual(
    programOf('residual blocks', shape, false).operations,
  );
});
