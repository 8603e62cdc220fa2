import type { Scalar } from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { float32, type HostTensor, int32 } from './dtype.js';
import { Engine, type Session } from './engine.js';
import { type FunctionDefinition, type Program, trace } from './graph/trace.js';
import { batchNormalization } from './layers/batch-normalization.js';
import { randomNumbers } from './testing/numbers.js';
import { denseModel, ONE_THREAD, traceFunctions, withSession } from './testing/programs.js';
import { tf } from './tfjs-internals/tf.js';

const [BATCH, SIDE] = [8, 6];

/** A small net with everything whose order of summation could vary: convolution, batch norm, pooling, a dense layer. */
function convolutional() {
  const input = tf.input({ shape: [SIDE, SIDE, 2] });
  const layers = [
    tf.layers.conv2d({
      name: 'conv',
      filters: 8,
      kernelSize: 3,
      padding: 'same',
      kernelInitializer: tf.initializers.heNormal({ seed: 3 }),
    }),
    batchNormalization({ name: 'bn' }),
    tf.layers.activation({ activation: 'relu' }),
    tf.layers.globalAveragePooling2d({}),
    tf.layers.dense({ name: 'classifier', units: 3, kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }) }),
  ];
  const output = layers.reduce((node, layer) => layer.apply(node) as typeof input, input);
  return tf.model({ inputs: input, outputs: output });
}

const train: FunctionDefinition = {
  inputs: { x: float32(BATCH, SIDE, SIDE, 2), target: float32(BATCH, 3) },
  body(scope) {
    const optimizer = {
      kind: 'sgd',
      momentum: tf.scalar(0.9),
      nesterov: true,
      weightDecay: tf.scalar(1e-3),
      decoupled: false,
    } as const;
    const loss = () =>
      tf.mean(tf.squaredDifference(scope.model(scope.inputs.x!, { training: true }), scope.inputs.target!)) as Scalar;
    return scope.minimize({ loss, optimizer, learningRate: tf.scalar(0.05), clipNorm: tf.scalar(1) });
  },
};

async function trainFor(session: Session, steps: number): Promise<ReadonlyMap<string, HostTensor>> {
  for (let step = 0; step < steps; step++) {
    const x = randomNumbers(BATCH * SIDE * SIDE * 2, step);
    await session.run('train', { x, target: randomNumbers(BATCH * 3, 100 + step) });
  }
  return session.state();
}

describe('the same program and the same feeds', () => {
  const program = trace(convolutional, { train });

  test('give the same bits in another session', async () => {
    const first = await withSession(program, (session) => trainFor(session, 10));
    const second = await withSession(program, (session) => trainFor(session, 10));
    expect(second).toEqual(first);
    expect(first.get('conv/kernel')!.data).not.toEqual(program.variables.get('conv/kernel')!.initial);
  });

  test('give the same bits when two sessions run at once', async () => {
    const alone = await withSession(program, (session) => trainFor(session, 10));
    const together = await Promise.all([1, 2].map(() => withSession(program, (session) => trainFor(session, 10))));
    expect(together).toEqual([alone, alone]);
  });

  test('give the same bits from a graph traced again', async () => {
    const again = trace(convolutional, { train });
    const states = [program, again].map((one) => withSession(one, (session) => trainFor(session, 3)));
    const [first, second] = await Promise.all(states);
    expect(second).toEqual(first);
  });

  test('give the same bits after the state went through the host', async () => {
    const whole = await withSession(program, (session) => trainFor(session, 2));
    const engine = await Engine.open(ONE_THREAD);
    const half = await withSession(program, (session) => trainFor(session, 1));
    const resumed = await engine.load(program, half);
    await resumed.run('train', { x: randomNumbers(BATCH * SIDE * SIDE * 2, 1), target: randomNumbers(BATCH * 3, 101) });
    expect(await resumed.state()).toEqual(whole);
    await resumed.close();
  });
});

describe('Engine.open', () => {
  test('lists the devices', async () => {
    const { devices } = await Engine.open(ONE_THREAD);
    expect(devices).toContainEqual({ name: expect.stringMatching(/CPU:0$/), type: 'CPU', memory: expect.any(Number) });
    expect(devices.every(({ type }) => type === 'CPU')).toBe(true);
  });

  test('refuses a GPU that is absent, and says what to do', async () => {
    const visible = process.env.CUDA_VISIBLE_DEVICES;
    process.env.CUDA_VISIBLE_DEVICES = '';
    try {
      await expect(Engine.open({ ...ONE_THREAD, device: 'gpu' })).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message:
          'no GPU is visible: build with `make engine TENSORFLOW=gpu` and check the CUDA libraries, or set engine.device to cpu',
      });
    } finally {
      if (visible === undefined) delete process.env.CUDA_VISIBLE_DEVICES;
      else process.env.CUDA_VISIBLE_DEVICES = visible;
    }
  });
});

const predict: FunctionDefinition = {
  inputs: { x: float32(2, 3), shift: float32() },
  body: (scope) => ({ y: tf.add(scope.model(scope.inputs.x!, { training: false }), scope.inputs.shift!) }),
};
const dense: Program = trace(() => denseModel(3, 2), { predict });
const tensor = (shape: readonly number[], data: HostTensor['data'], dtype: HostTensor['dtype'] = 'float32') => ({
  shape,
  data,
  dtype,
});
const kernel = tensor([3, 2], Float32Array.of(1, 0, 0, 1, 1, 1));
const x = Float32Array.of(1, 2, 3, 4, 5, 6);

describe('Engine.load', () => {
  test('starts from the given state, and from initial values where none is given', async () => {
    const engine = await Engine.open(ONE_THREAD);
    const session = await engine.load(dense, new Map([['dense/kernel', kernel]]));
    expect(await session.run('predict', { x, shift: 0.5 })).toEqual({ y: Float32Array.of(4.5, 5.5, 10.5, 11.5) });
    expect((await session.state()).get('dense/bias')).toEqual(tensor([2], new Float32Array(2)));
    await session.close();
  });

  test.each<[string, string, HostTensor, string]>([
    ['unknown state', 'dense/kernle', kernel, 'dense/kernle: the program has no such state'],
    [
      'another shape',
      'dense/kernel',
      tensor([2, 3], kernel.data),
      'dense/kernel: expected float32 [3, 2], got float32 [2, 3]',
    ],
    [
      'another dtype',
      'dense/kernel',
      tensor([3, 2], new Int32Array(6), 'int32'),
      'dense/kernel: expected float32 [3, 2], got int32 [3, 2]',
    ],
    [
      'too few values',
      'dense/kernel',
      tensor([3, 2], new Float32Array(5)),
      'dense/kernel: expected 6 values for [3, 2], got 5',
    ],
    [
      'values of another type',
      'dense/kernel',
      tensor([3, 2], new Int32Array(6)),
      'dense/kernel: expected float32 values, got Int32Array',
    ],
  ])('refuses %s', async (_name, name, state, message) => {
    const engine = await Engine.open(ONE_THREAD);
    await expect(engine.load(dense, new Map([[name, state]]))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message,
    });
  });

  test('takes a program without state', async () => {
    const program = traceFunctions({
      f: { inputs: { x: float32() }, body: ({ inputs }) => ({ y: tf.neg(inputs.x!) }) },
    });
    await withSession(program, async (session) => {
      expect(await session.state()).toEqual(new Map());
      expect(await session.run('f', { x: 3 })).toEqual({ y: Float32Array.of(-3) });
    });
  });
});

describe('a session', () => {
  test.each<[string, Parameters<Session['run']>, object]>([
    ['a missing input', ['predict', { x }], { operation: 'predict', message: 'predict: input shift is missing' }],
    [
      'an unknown input',
      ['predict', { x, shift: 0, y: 1 }],
      { operation: 'predict', message: 'predict: there is no input y' },
    ],
    [
      'too many values',
      ['predict', { x: new Float32Array(7), shift: 0 }],
      { operation: 'predict.x', message: 'predict.x: expected 6 values for [2, 3], got 7' },
    ],
    [
      'a number for a tensor',
      ['predict', { x: 1, shift: 0 }],
      { message: 'predict.x: expected 6 values for [2, 3], got 1' },
    ],
    [
      'values of another type',
      ['predict', { x: new Int32Array(6), shift: 0 }],
      { message: 'predict.x: expected float32 values, got Int32Array' },
    ],
    ['an unknown function', ['predikt', {}], { code: 'NOT_FOUND', operation: 'predikt' }],
  ])('refuses %s by name, and goes on', (_name, call, refusal) =>
    withSession(dense, async (session) => {
      await expect(session.run(...call)).rejects.toMatchObject({ name: 'EngineError', ...refusal });
      expect((await session.run('predict', { x, shift: 0 })).y).toHaveLength(4);
    }),
  );

  test('hands out copies of its state', () =>
    withSession(dense, async (session) => {
      const before = await session.state();
      (before.get('dense/kernel')!.data as Float32Array).fill(9);
      expect((await session.state()).get('dense/kernel')!.data).toEqual(dense.variables.get('dense/kernel')!.initial);
    }));

  test('hands out params alone, or slots alone', () =>
    withSession(trace(convolutional, { train }), async (session) => {
      const params = ['conv/kernel', 'conv/bias', 'bn/gamma', 'bn/beta', 'classifier/kernel', 'classifier/bias'];
      expect([...(await session.state(['slot'])).keys()]).toEqual(params.map((name) => `${name}/momentum`));
      const statistics = ['bn/moving_mean', 'bn/moving_variance'];
      expect(new Set((await session.state(['param'])).keys())).toEqual(new Set([...params, ...statistics]));
    }));

  test('feeds whole numbers and single ones', () =>
    withSession(
      traceFunctions({
        f: {
          inputs: { i: int32(2), s: int32() },
          body: ({ inputs }) => ({ y: tf.cast(tf.add(inputs.i!, inputs.s!), 'float32') }),
        },
      }),
      async (session) => {
        expect(await session.run('f', { i: Int32Array.of(1, -2), s: 3 })).toEqual({ y: Float32Array.of(4, 1) });
      },
    ));
});
