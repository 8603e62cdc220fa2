import type { Scalar, Tensor2D } from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { float32 } from './dtype.js';
import { Engine, type Session } from './engine.js';
import type { Optimizer } from './graph/optimizer.js';
import { type FunctionDefinition, trace } from './graph/trace.js';
import { batchNormalization } from './layers/batch-normalization.js';
import { randomNumbers } from './testing/numbers.js';
import { ONE_THREAD, withSession } from './testing/programs.js';
import { tf } from './tfjs-internals/tf.js';

const [ROWS, UNITS] = [3, 2];
const scalar = (value: number) => tf.scalar(value);

const optimizers: Readonly<Record<string, () => Optimizer>> = {
  momentum: () => ({
    kind: 'sgd',
    momentum: scalar(0.9),
    nesterov: false,
    weightDecay: scalar(0.1),
    decoupled: false,
  }),
  decoupled: () => ({
    kind: 'sgd',
    momentum: scalar(0.9),
    nesterov: true,
    weightDecay: scalar(0.1),
    decoupled: true,
  }),
  adamw: () => ({
    kind: 'adamw',
    beta1: scalar(0.9),
    beta2: scalar(0.99),
    epsilon: scalar(1e-8),
    weightDecay: scalar(0.1),
    updates: scalar(1),
  }),
};

function build() {
  const input = tf.input({ shape: [2, 2, 1] });
  const layers = [
    batchNormalization({ name: 'bn' }),
    tf.layers.flatten(),
    tf.layers.dense({ name: 'dense', units: UNITS, kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }) }),
  ];
  const output = layers.reduce((x, layer) => layer.apply(x) as typeof input, input);
  return tf.model({ inputs: input, outputs: output });
}

/** One step that hears two values. Its gradient needs the left one alone, the decay of its params neither. */
function definition(name: string): FunctionDefinition {
  return {
    inputs: { x: float32(ROWS, 2, 2, 1) },
    body(scope) {
      const loss = () => {
        const logits = scope.model(scope.inputs.x!, { training: true }) as Tensor2D;
        scope.send(`${name}/logits`, logits);
        const left = scope.receive(`${name}/left`, logits.shape);
        scope.receive(`${name}/right`, logits.shape);
        return tf.add(tf.sum(tf.mul(logits, left)), tf.sum(logits)) as Scalar;
      };
      return scope.minimize({ loss, optimizer: optimizers[name]!(), learningRate: scalar(0.1) });
    },
  };
}

const names = Object.keys(optimizers);
const program = trace(build, Object.fromEntries(names.map((name) => [name, definition(name)])));
const x = randomNumbers(ROWS * 4, 1);
const heard = randomNumbers(ROWS * UNITS, 2);

async function wholeStep(session: Session, name: string) {
  const running = session.run(name, { x });
  await session.take(`${name}/logits`);
  await session.put(`${name}/left`, heard);
  await session.put(`${name}/right`, heard);
  await running;
  return session.state();
}

describe.each(names)('a training step by %s that waits at an in port', (name) => {
  test('has changed no state, whichever of the values it lacks', async () => {
    for (const missing of ['left', 'right']) {
      await withSession(program, async (session) => {
        const before = await session.state();
        const running = session.run(name, { x });
        await session.take(`${name}/logits`);
        const there = missing === 'left' ? 'right' : 'left';
        await session.put(`${name}/${there}`, heard);
        // Whatever did not wait would have been written by one of these.
        for (let look = 0; look < 20; look++) expect(await session.state()).toEqual(before);
        await session.put(`${name}/${missing}`, heard);
        await running;
        const after = await session.state();
        const moved = [...after].filter(([key, { data }]) => data.join() !== before.get(key)!.data.join());
        expect(moved.map(([key]) => key)).toEqual(
          expect.arrayContaining(['bn/moving_mean', 'bn/moving_variance', 'dense/kernel', 'dense/bias']),
        );
      });
    }
  });

  test('can be given up: from the state that it leaves, the step ends with the same bits', async () => {
    const engine = await Engine.open(ONE_THREAD);
    const given = await engine.load(program);
    const waiting = given.run(name, { x });
    await given.take(`${name}/logits`);
    const left = await given.state();
    const cancelled = expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    await given.close();
    await cancelled;
    const again = await engine.load(program, left);
    const expected = await withSession(program, (session) => wholeStep(session, name));
    expect(await wholeStep(again, name)).toEqual(expected);
    await again.close();
  });
});
