import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { afterEach, describe, expect, test } from 'vitest';
import { float32, int32 } from '../dtype.js';
import { EngineError } from '../errors.js';
import { denseModel, emptyModel, traceFunctions, withSession } from '../testing/programs.js';
import { tf } from '../tfjs-internals/tf.js';
import type { Scope } from './scope.js';
import { type FunctionDefinition, trace } from './trace.js';

const onVector = (body: (x: Tensor, scope: Scope<string>) => Record<string, Tensor>): FunctionDefinition => ({
  inputs: { x: float32(3) },
  body: (scope) => body(scope.inputs.x!, scope),
});

const double = onVector((x) => ({ y: tf.mul(x, 2) }));

/** The error of tracing one function. */
function failureOf(definition: FunctionDefinition, build = emptyModel): unknown {
  try {
    trace(build, { f: definition });
  } catch (error) {
    return error;
  }
  return expect.unreachable('the trace went through');
}

// Whatever happened in a test, the next one starts on the cpu backend and can trace.
afterEach(async () => {
  expect(tf.getBackend()).toBe('cpu');
  expect(Array.from(tf.tidy(() => tf.add(1, 2).dataSync()))).toEqual([3]);
  const outputs = await withSession(traceFunctions({ double }), (session) =>
    session.run('double', { x: Float32Array.of(1, 2, 3) }),
  );
  expect(outputs).toEqual({ y: Float32Array.of(2, 4, 6) });
});

describe('a function cannot be traced that', () => {
  const noValue = expect.objectContaining({
    name: 'EngineError',
    code: 'FAILED_PRECONDITION',
    message: expect.stringMatching(/a traced tensor has no value yet/),
  });

  test.each<[string, (x: Tensor) => Tensor]>([
    ['reads data', (x) => tf.scalar(x.dataSync()[0]!)],
    ['reads an array', (x) => tf.tensor1d(x.arraySync() as number[])],
    ['branches on data', (x) => ((tf.max(x).dataSync()[0] ?? 0) > 0 ? x : tf.neg(x))],
  ])('%s', (_name, f) => {
    expect(failureOf(onVector((x) => ({ y: f(x) })))).toEqual(noValue);
  });

  test('has a shape that depends on data', () => {
    const failure = failureOf(onVector((x) => ({ y: tf.unique(x).values })));
    expect(failure).toMatchObject({
      code: 'UNIMPLEMENTED',
      message: expect.stringMatching(/output 0 has no static shape/),
    });
  });

  test('returns whole numbers', () => {
    const message = 'y: an output must be float32, not int32: cast it';
    expect(failureOf(onVector((x) => ({ y: tf.argMax(x) })))).toMatchObject({ code: 'INVALID_ARGUMENT', message });
  });

  test('uses a tensor of another trace', () => {
    let stolen: Tensor | undefined;
    const steal = onVector((x) => {
      stolen = tf.keep(tf.neg(x));
      return { y: stolen };
    });
    traceFunctions({ steal });
    expect(failureOf(onVector((x) => ({ y: tf.add(x, stolen!) })))).toBeInstanceOf(EngineError);
  });

  test('begins another trace', () => {
    const nested = onVector((x) => {
      traceFunctions({ double });
      return { y: x };
    });
    expect(failureOf(nested)).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'a trace cannot begin inside another',
    });
  });

  test('adds what TensorFlow refuses, by the name of the op', () => {
    const send = onVector((x, scope) => {
      scope.send('whole', tf.cast(x, 'int32'));
      return { y: x };
    });
    const failure = failureOf(send);
    expect(failure).toMatchObject({ name: 'EngineError', code: 'INVALID_ARGUMENT' });
    expect((failure as EngineError).operation).toMatch(/^QueueEnqueueV2 /);
  });

  test('has two ports of one name', () => {
    const twice = onVector((x, scope) => {
      scope.send('out', x);
      scope.receive('out', [3]);
      return { y: x };
    });
    expect(failureOf(twice)).toMatchObject({ code: 'ALREADY_EXISTS', operation: 'out' });
  });
});

describe('training cannot be traced', () => {
  const minimize = (loss: (scope: Scope<string>) => Tensor): FunctionDefinition => ({
    inputs: { x: float32(2, 3) },
    body(scope) {
      const zero = tf.scalar(0);
      const optimizer = { kind: 'sgd', momentum: zero, nesterov: false, weightDecay: zero, decoupled: false } as const;
      return scope.minimize({ loss: () => loss(scope) as Scalar, optimizer, learningRate: tf.scalar(0.1) });
    },
  });

  function twoDense(second: string) {
    const input = tf.input({ shape: [3] });
    const hidden = tf.layers.dense({ units: 2, name: 'first' }).apply(input);
    const unused = tf.layers.dense({ units: 2, name: second }).apply(input);
    return tf.model({ inputs: input, outputs: [hidden, unused] as (typeof input)[] });
  }

  test('when the loss does not depend on a param, which is named', () => {
    const first = (scope: Scope<string>) => {
      const outputs = scope.model(scope.inputs.x!, { training: true });
      return tf.sum((Array.isArray(outputs) ? outputs : [outputs])[0]!);
    };
    const failure = failureOf(minimize(first), () => twoDense('second'));
    expect(failure).toMatchObject({
      code: 'INVALID_ARGUMENT',
      operation: 'second/kernel',
      message: 'second/kernel: the loss does not depend on this param',
    });
  });

  test('when two weights of the model have one name', () => {
    const input = tf.input({ shape: [3] });
    const dense = () => tf.layers.dense({ units: 3, name: 'twin' });
    const model = () => {
      const outer = tf.sequential({ layers: [tf.layers.dense({ units: 3, name: 'twin', inputShape: [3] })] });
      const output = dense().apply(outer.apply(input) as typeof input) as typeof input;
      return tf.model({ inputs: input, outputs: output });
    };
    const failure = failureOf(
      minimize((scope) => tf.sum(scope.model(scope.inputs.x!, { training: true }))),
      model,
    );
    expect(failure).toMatchObject({ code: 'ALREADY_EXISTS', operation: 'twin/kernel' });
  });

  test('when the loss is no scalar', () => {
    const failure = failureOf(
      minimize((scope) => scope.model(scope.inputs.x!, { training: true })),
      () => denseModel(3, 2),
    );
    expect(failure).toBeInstanceOf(Error);
    expect(String(failure)).toMatch(/scalar/);
  });
});

describe('a trace', () => {
  test('leaves no tensor behind, whether it succeeds or fails', () => {
    const predict: FunctionDefinition = {
      inputs: { x: float32(2, 3) },
      body: (scope) => ({ y: scope.model(scope.inputs.x!, { training: false }) }),
    };
    const fails = onVector((x) => ({ y: tf.scalar(x.dataSync()[0]!) }));
    const before = tf.memory().numTensors;
    trace(() => denseModel(3, 2), { predict });
    expect(tf.memory().numTensors).toBe(before);
    failureOf(fails, () => denseModel(3, 2));
    expect(tf.memory().numTensors).toBe(before);
  });

  test('lets go of the names that its model had', () => {
    const namesOf = () => {
      const names: string[] = [];
      const build = () => {
        const model = denseModel(3, 2);
        names.push(...model.weights.map(({ name }) => name));
        return model;
      };
      trace(build, { double });
      return names;
    };
    const names = namesOf();
    expect(names).not.toHaveLength(0);
    expect(namesOf()).toEqual(names);
  });

  test('lets go of its model', async () => {
    const predict: FunctionDefinition = {
      inputs: { x: float32(2, 3) },
      body: (scope) => ({ y: scope.model(scope.inputs.x!, { training: false }) }),
    };
    const models = Array.from({ length: 8 }, () => {
      let made: WeakRef<object> | undefined;
      const build = () => {
        const model = denseModel(3, 2);
        made = new WeakRef(model.layers[0]!);
        return model;
      };
      trace(build, { predict });
      return made;
    });
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    // What a weak reference was made to is kept until the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(models.filter((model) => model?.deref())).toHaveLength(0);
  });

  test('names params by layer and keeps the initial values of the model', () => {
    const { variables } = trace(() => denseModel(3, 2, 5), { double });
    const model = denseModel(3, 2, 5);
    expect([...variables.keys()]).toEqual(['dense/kernel', 'dense/bias']);
    expect(variables.get('dense/kernel')).toMatchObject({ kind: 'param', shape: [3, 2] });
    expect(variables.get('dense/kernel')!.initial).toEqual(Float32Array.from(model.weights[0]!.read().dataSync()));
    model.dispose();
  });

  test('casts images of bytes on the device, unscaled', async () => {
    const program = traceFunctions({
      f: {
        inputs: { images: { dtype: 'uint8', shape: [2, 2] } },
        body: ({ inputs }) => ({ y: tf.add(inputs.images!, 0.5) }),
      },
    });
    const outputs = await withSession(program, (session) =>
      session.run('f', { images: Uint8Array.of(0, 1, 128, 255) }),
    );
    expect(outputs).toEqual({ y: Float32Array.of(0.5, 1.5, 128.5, 255.5) });
  });

  test('takes large constants, uniform or not, as they are', async () => {
    const ramp = Float32Array.from({ length: 100 }, (_, i) => i);
    const program = traceFunctions({
      f: {
        inputs: { at: int32() },
        body: ({ inputs }) => ({
          uniform: tf.add(tf.fill([100], 7), tf.cast(inputs.at!, 'float32')),
          ramp: tf.add(tf.tensor1d(ramp), tf.cast(inputs.at!, 'float32')),
        }),
      },
    });
    const { uniform, ramp: traced } = await withSession(program, (session) => session.run('f', { at: 0 }));
    expect(uniform).toEqual(new Float32Array(100).fill(7));
    expect(traced).toEqual(ramp);
  });
});
