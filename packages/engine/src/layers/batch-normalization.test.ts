import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32 } from '../dtype.js';
import { Engine, type Session } from '../engine.js';
import { type Program, trace } from '../graph/trace.js';
import { distance, randomNumbers } from '../testing/numbers.js';
import { ONE_THREAD } from '../testing/programs.js';
import { tf } from '../tfjs-internals/tf.js';
import { batchNormalization } from './batch-normalization.js';

const [SHAPE, CHANNELS] = [[3, 4, 5, 2] as const, 2];
const COUNT = 3 * 4 * 5;
const [EPSILON, MOMENTUM] = [1e-3, 0.8];

const x = randomNumbers(COUNT * CHANNELS, 1).map((value, i) => 2 * value + (i % CHANNELS));
const dy = randomNumbers(COUNT * CHANNELS, 2);
const start = { gamma: [1.5, -0.5], beta: [0.25, 2], moving_mean: [0.5, -1], moving_variance: [2, 0.25] };

function channel(values: ArrayLike<number>, index: number): number[] {
  return Array.from({ length: COUNT }, (_, i) => values[i * CHANNELS + index]!);
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** The layer's definition (Ioffe & Szegedy 2015, section 3) and its derivative, for one channel in double precision. */
function reference(index: number) {
  const [own, above] = [channel(x, index), channel(dy, index)];
  const center = mean(own);
  const variance = mean(own.map((value) => (value - center) ** 2));
  const deviation = Math.sqrt(variance + EPSILON);
  const normal = own.map((value) => (value - center) / deviation);
  const [gamma, beta] = [start.gamma[index]!, start.beta[index]!];
  const [dGamma, dBeta] = [above.reduce((sum, d, i) => sum + d * normal[i]!, 0), above.reduce((sum, d) => sum + d, 0)];
  const moved = (old: number, fresh: number) => MOMENTUM * old + (1 - MOMENTUM) * fresh;
  const frozen = Math.sqrt(start.moving_variance[index]! + EPSILON);
  return {
    trained: normal.map((value) => gamma * value + beta),
    inferred: own.map((value) => (gamma * (value - start.moving_mean[index]!)) / frozen + beta),
    dx: above.map((d, i) => (gamma / deviation) * (d - dBeta / COUNT - (normal[i]! * dGamma) / COUNT)),
    dGamma,
    dBeta,
    movingMean: moved(start.moving_mean[index]!, center),
    movingVariance: moved(start.moving_variance[index]!, (variance * COUNT) / (COUNT - 1)),
  };
}

let program: Program;
let session: Session;

beforeAll(async () => {
  const build = () => {
    const layer = batchNormalization({ name: 'bn', epsilon: EPSILON, momentum: MOMENTUM });
    const input = tf.input({ shape: SHAPE.slice(1) });
    return tf.model({ inputs: input, outputs: layer.apply(input) as typeof input });
  };
  const inputs = { x: float32(...SHAPE), dy: float32(...SHAPE) };
  program = trace(build, {
    infer: {
      inputs: { x: float32(...SHAPE) },
      body: (scope) => ({ y: scope.model(scope.inputs.x!, { training: false }) }),
    },
    differentiate: {
      inputs,
      body(scope) {
        const f = (own: Tensor) => scope.model(own, { training: true });
        const { value, grad } = tf.valueAndGrad(f)(scope.inputs.x!, scope.inputs.dy!);
        return { y: value, dx: grad };
      },
    },
    // One step of plain descent at rate 1 takes the gradient from the param.
    descend: {
      inputs,
      body(scope) {
        const loss = () => tf.sum(tf.mul(scope.model(scope.inputs.x!, { training: true }), scope.inputs.dy!)) as Scalar;
        const zero = tf.scalar(0);
        const optimizer = {
          kind: 'sgd',
          momentum: zero,
          nesterov: false,
          weightDecay: zero,
          decoupled: false,
        } as const;
        return scope.minimize({ loss, optimizer, learningRate: tf.scalar(1) });
      },
    },
  });
  session = await (await Engine.open(ONE_THREAD)).load(program);
});

afterAll(() => session.close());

const assignStart = () =>
  session.assign(
    new Map(
      Object.entries(start).map(([name, values]) => [
        `bn/${name}`,
        { dtype: 'float32', shape: [CHANNELS], data: Float32Array.from(values) },
      ]),
    ),
  );

const stateOf = async (name: string) => (await session.state()).get(`bn/${name}`)!.data;

describe.each([0, 1])('channel %d', (index) => {
  const expected = reference(index);

  test('is normalised by the biased variance of the batch in training', async () => {
    await assignStart();
    const { y } = await session.run('differentiate', { x, dy });
    expect(distance(channel(y!, index), expected.trained)).toBeLessThanOrEqual(1);
  });

  test('is normalised by the moving statistics in inference, which change nothing', async () => {
    await assignStart();
    const before = await session.state();
    const { y } = await session.run('infer', { x });
    expect(distance(channel(y!, index), expected.inferred)).toBeLessThanOrEqual(1);
    expect(await session.state()).toEqual(before);
  });

  test('hands the gradient through mean and variance', async () => {
    await assignStart();
    const { dx } = await session.run('differentiate', { x, dy });
    expect(distance(channel(dx!, index), expected.dx)).toBeLessThanOrEqual(1);
  });

  test('learns its scale and its shift', async () => {
    await assignStart();
    await session.run('descend', { x, dy });
    expect(start.gamma[index]! - (await stateOf('gamma'))[index]!).toBeCloseTo(expected.dGamma, 4);
    expect(start.beta[index]! - (await stateOf('beta'))[index]!).toBeCloseTo(expected.dBeta, 4);
  });

  test('moves its statistics by the mean and the unbiased variance of the batch', async () => {
    await assignStart();
    await session.run('differentiate', { x, dy });
    expect((await stateOf('moving_mean'))[index]).toBeCloseTo(expected.movingMean, 5);
    expect((await stateOf('moving_variance'))[index]).toBeCloseTo(expected.movingVariance, 5);
  });
});

test('the scale starts at 1, the shift at 0, and only they learn', () => {
  const kinds = [...program.variables.values()].map(({ name, initial }) => [name, [...initial]]);
  expect(kinds.slice(0, 4)).toEqual([
    ['bn/gamma', [1, 1]],
    ['bn/beta', [0, 0]],
    ['bn/moving_mean', [0, 0]],
    ['bn/moving_variance', [1, 1]],
  ]);
  const slots = [...program.variables.values()].filter(({ kind }) => kind === 'slot').map(({ name }) => name);
  expect(slots).toEqual(['bn/gamma/momentum', 'bn/beta/momentum']);
});

test('exists in graphs only', () => {
  const layer = batchNormalization({ name: 'eager' });
  expect(() => layer.apply(tf.zeros([1, 2, 2, 1]))).toThrow(
    expect.objectContaining({
      code: 'FAILED_PRECONDITION',
      message: 'batch normalisation exists in traced graphs only',
    }),
  );
});
