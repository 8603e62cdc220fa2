import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { describe, expect, test, vi } from 'vitest';
import { float32 } from '../dtype.js';
import { Engine } from '../engine.js';
import { batchNormalization } from '../layers/batch-normalization.js';
import { native } from '../native.js';
import { distance, randomNumbers } from '../testing/numbers.js';
import { denseModel, ONE_THREAD, withSession } from '../testing/programs.js';
import { tf } from '../tfjs-internals/tf.js';
import type { Scope } from './scope.js';
import { type FunctionDefinition, trace } from './trace.js';

const [ROWS, SIDE, UNITS] = [4, 5, 3];

/** Convolution, batch normalisation, ReLU, dense: what a trained network has in its backward pass. */
function convolutionalModel() {
  const input = tf.input({ shape: [SIDE, SIDE, 1] });
  const [conv, dense] = [1, 2].map((seed) => tf.initializers.glorotUniform({ seed }));
  const layers = [
    tf.layers.conv2d({ name: 'conv', filters: 2, kernelSize: 3, kernelInitializer: conv! }),
    batchNormalization({ name: 'bn' }),
    tf.layers.reLU(),
    tf.layers.flatten(),
    tf.layers.dense({ name: 'dense', units: UNITS, kernelInitializer: dense! }),
  ];
  const output = layers.reduce((tensor, layer) => layer.apply(tensor) as typeof input, input);
  return tf.model({ inputs: input, outputs: output });
}

type Losses = (scope: Scope<'x' | 'up' | 'down'>) => Record<string, Scalar>;

/** Outputs the gradient of each loss by each param, as `<loss>/<param>`. */
function gradientsOf(losses: Losses): FunctionDefinition<'x' | 'up' | 'down'> {
  return {
    inputs: { x: float32(ROWS, SIDE, SIDE, 1), up: float32(ROWS, UNITS), down: float32(ROWS, UNITS) },
    body(scope) {
      const all = Object.entries(scope.gradients(() => losses(scope)));
      return Object.fromEntries(
        all.flatMap(([name, { value, gradients }]) => [
          [name, value],
          ...gradients.map(({ variable, gradient }) => [`${name}/${variable.name}`, gradient]),
        ]),
      );
    },
  };
}

const apply = (scope: Scope<'x'>) => scope.model(scope.inputs.x, { training: true });
const along = (outputs: Tensor, direction: Tensor) => tf.sum(tf.square(tf.sub(outputs, direction))) as Scalar;

const apart: Losses = (scope) => {
  const outputs = apply(scope);
  return { up: along(outputs, scope.inputs.up), down: along(outputs, scope.inputs.down) };
};
const up: Losses = (scope) => ({ up: along(apply(scope), scope.inputs.up) });
const down: Losses = (scope) => ({ down: along(apply(scope), scope.inputs.down) });

const feeds = {
  x: randomNumbers(ROWS * SIDE * SIDE, 1),
  up: randomNumbers(ROWS * UNITS, 2),
  down: randomNumbers(ROWS * UNITS, 3),
};

const operationsOf = (losses: Losses, count: string) =>
  trace(convolutionalModel, { f: gradientsOf(losses) }).operations.get(count) ?? 0;

describe('the gradients of several losses', () => {
  test('are, bit for bit, those that each has alone', async () => {
    const program = trace(convolutionalModel, {
      apart: gradientsOf(apart),
      up: gradientsOf(up),
      down: gradientsOf(down),
    });
    await withSession(program, async (session) => {
      const together = await session.run('apart', feeds);
      const alone = { ...(await session.run('up', feeds)), ...(await session.run('down', feeds)) };
      expect(Object.keys(together)).toHaveLength(2 * (1 + 6));
      expect(together).toEqual(alone);
      expect(distance(together['up/dense/kernel']!, together['down/dense/kernel']!)).toBeGreaterThan(1);
    });
  });

  test.each(['Conv2D', 'FusedBatchNormV3'])('share one forward pass: there is one %s', (op) => {
    expect(operationsOf(apart, op)).toBe(1);
    expect(operationsOf(apart, op)).toBe(operationsOf(up, op));
  });

  test.each(['Conv2DBackpropFilter', 'FusedBatchNormGradV3', 'ReluGrad'])(
    'cost one backward pass each: there is one %s for each loss',
    (op) => {
      expect(operationsOf(up, op)).toBe(1);
      expect(operationsOf(apart, op)).toBe(2);
    },
  );

  test('leave no more tensors behind than those of one loss', () => {
    const leftBy = (losses: Losses) => {
      const before = tf.memory().numTensors;
      trace(convolutionalModel, { f: gradientsOf(losses) });
      return tf.memory().numTensors - before;
    };
    expect(leftBy(apart)).toBe(leftBy(up));
  });

  test('are refused when there is no loss', () => {
    expect(() => trace(convolutionalModel, { f: gradientsOf(() => ({})) })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: 'there is no loss to differentiate' }),
    );
  });
});

test('a gradient in the middle of the forward pass ends at the tensor that it is of', async () => {
  const program = trace(convolutionalModel, {
    f: {
      inputs: { x: float32(ROWS, SIDE, SIDE, 1), up: float32(ROWS, UNITS) },
      body(scope) {
        const step: { outputs?: Tensor; gradient?: Tensor } = {};
        scope.gradients(() => {
          const outputs = scope.model(scope.inputs.x!, { training: true });
          const loss = along(outputs, scope.inputs.up!);
          step.outputs = tf.keep(outputs);
          step.gradient = tf.keep(tf.grad(() => loss)(outputs));
          return { loss };
        });
        return { outputs: step.outputs!, gradient: step.gradient! };
      },
    },
  });
  expect(program.operations.get('Conv2DBackpropFilter')).toBe(1);
  const { outputs, gradient } = await withSession(program, (session) => session.run('f', { x: feeds.x, up: feeds.up }));
  const expected = Array.from(outputs!, (output, i) => 2 * (output - feeds.up[i]!));
  expect(distance(gradient!, expected)).toBeLessThanOrEqual(1);
});

test('no gradient flows through a detached value', async () => {
  const program = trace(() => denseModel(2, 2), {
    f: {
      inputs: { x: float32(2) },
      body: (scope) => {
        const square = (x: Tensor) => tf.sum(tf.mul(scope.detached(tf.square(x)), x));
        return { gradient: tf.grad(square)(scope.inputs.x!), value: square(scope.inputs.x!) };
      },
    },
  });
  const { gradient, value } = await withSession(program, (session) => session.run('f', { x: Float32Array.of(2, 3) }));
  // Of x²·x, with x² a constant.
  expect([...gradient!]).toEqual([4, 9]);
  expect([...value!]).toEqual([8 + 27]);
});

describe('a scalar of the state', () => {
  const plain = (momentum: number) => ({
    kind: 'sgd' as const,
    momentum: tf.scalar(momentum),
    nesterov: false,
    weightDecay: tf.scalar(0.5),
    decoupled: false,
  });
  /** theta -= 0.5 · theta·x, with momentum 0.5. */
  const program = trace(() => denseModel(2, 2), {
    f: {
      inputs: { x: float32() },
      body(scope) {
        const { variable, value } = scope.scalar('theta', 3);
        const update = { optimizer: plain(0.5), learningRate: tf.scalar(0.5) };
        scope.apply([{ variable, gradient: tf.mul(value, scope.inputs.x!) }], update);
        return { theta: value };
      },
    },
  });

  test('starts from its initial value and is updated without decay, after it was read', () =>
    withSession(program, async (session) => {
      const seen: number[] = [];
      for (let step = 0; step < 3; step++) seen.push((await session.run('f', { x: 1 })).theta![0]!);
      // a = a/2 + θ, θ -= a/2: 3, then a = 3, then a = 3.
      expect(seen).toEqual([3, 1.5, 0]);
    }));

  test('belongs to what a checkpoint has, not to the params', () =>
    withSession(program, async (session) => {
      expect([...(await session.state(['param'])).keys()]).toEqual(['dense/kernel', 'dense/bias']);
      expect([...(await session.state(['slot'])).keys()]).toEqual(['theta', 'theta/momentum']);
    }));

  test('goes on from a state', async () => {
    const state = new Map([['theta', { dtype: 'float32' as const, shape: [], data: Float32Array.of(8) }]]);
    const session = await (await Engine.open(ONE_THREAD)).load(program, state);
    expect(await session.run('f', { x: 0 })).toEqual({ theta: Float32Array.of(8) });
    await session.close();
  });

  test('cannot have the name of a param', () => {
    const body = (scope: Scope<string>) => ({ theta: scope.scalar('dense/bias', 0).value });
    expect(() => trace(() => denseModel(2, 2), { f: { inputs: {}, body } })).toThrow(
      expect.objectContaining({ code: 'ALREADY_EXISTS', operation: 'dense/bias' }),
    );
  });
});

test('an update of one loss adds the nodes of one forward and one backward pass, in this order', () => {
  const added: string[] = [];
  const { addOperation } = native;
  const spy = vi.spyOn(native, 'addOperation').mockImplementation((graph, type, ...rest) => {
    added.push(type);
    return addOperation(graph, type, ...rest);
  });
  trace(() => denseModel(2, 2), {
    f: {
      inputs: { x: float32(1, 2), rate: float32() },
      body(scope) {
        const zero = tf.scalar(0);
        const optimizer = { kind: 'sgd', momentum: zero, nesterov: false, weightDecay: zero, decoupled: true } as const;
        const loss = () => tf.sum(scope.model(scope.inputs.x!, { training: true })) as Scalar;
        return scope.minimize({ loss, optimizer, learningRate: scope.inputs.rate as Scalar });
      },
    },
  });
  spy.mockRestore();
  const variable = 'VarHandleOp Placeholder ReadVariableOp AssignVariableOp';
  const slot = `${variable} ResourceApplyMomentum`;
  expect(added.join(' ')).toBe(
    [
      `${variable} ${variable} Placeholder Placeholder`,
      // Forward.
      'Const Reshape Const Reshape BatchMatMulV2 Add Const Reshape Const Sum',
      // Backward.
      'Const Const Reshape Const Mul Const Reshape BatchMatMulV2 BatchMatMulV2 Const Sum Const Reshape Const Reshape',
      // Gradient norm, decay, update.
      `L2Loss L2Loss AddN Const Mul Sqrt Const Mul Mul AssignSubVariableOp ${slot} ${slot}`,
    ].join(' '),
  );
});
