import { Engine, type FunctionDefinition, float32, type Session, type Tensor2D, tf, trace } from '@trikd/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cosineHead } from './layers.js';

const [ROWS, DIMENSION, CLASSES, SCALE] = [3, 4, 5, 8];
const settings = { name: 'head', classes: CLASSES, scale: SCALE, seed: 7 };

function build() {
  const input = tf.input({ shape: [DIMENSION] });
  return tf.model({ inputs: input, outputs: cosineHead(settings).apply(input) as typeof input });
}

const predict: FunctionDefinition = {
  inputs: { x: float32(ROWS, DIMENSION) },
  body: (scope) => ({ logits: scope.model(scope.inputs['x']!, { training: false }) }),
};

/** One step of plain gradient descent of rate 1 on the sum of weighted logits: the kernel moves by its gradient. */
const descend: FunctionDefinition = {
  inputs: { x: float32(ROWS, DIMENSION), dy: float32(ROWS, CLASSES) },
  body(scope) {
    const loss = () =>
      tf.sum(tf.mul(scope.model(scope.inputs['x']!, { training: true }), scope.inputs['dy']!)) as ReturnType<
        typeof tf.scalar
      >;
    const zero = tf.scalar(0);
    const optimizer = { kind: 'sgd', momentum: zero, nesterov: false, weightDecay: zero, decoupled: false } as const;
    const { loss: value } = scope.minimize({ loss, optimizer, learningRate: tf.scalar(1) });
    return { value };
  },
};

/** The gradient for the embeddings. */
const differentiate: FunctionDefinition = {
  inputs: descend.inputs,
  body(scope) {
    const f = (own: Tensor2D) => tf.sum(tf.mul(scope.model(own, { training: true }), scope.inputs['dy']!));
    return { dx: tf.grad((own) => f(own as Tensor2D))(scope.inputs['x']!) };
  },
};

const numbers = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i * step));
const x = numbers(ROWS * DIMENSION, 0.7);
const dy = numbers(ROWS * CLASSES, 1.3);

/** The sum of weighted logits in double precision. @param kernel [dimension, classes] */
function weighted(embeddings: ArrayLike<number>, kernel: ArrayLike<number>): number {
  let sum = 0;
  for (let row = 0; row < ROWS; row++) {
    for (let label = 0; label < CLASSES; label++) {
      let [product, own, other] = [0, 0, 0];
      for (let i = 0; i < DIMENSION; i++) {
        const [a, b] = [embeddings[row * DIMENSION + i]!, kernel[i * CLASSES + label]!];
        product += a * b;
        own += a * a;
        other += b * b;
      }
      sum += (dy[row * CLASSES + label]! * SCALE * product) / Math.sqrt(own * other);
    }
  }
  return sum;
}

function differences(f: (values: readonly number[]) => number, at: ArrayLike<number>): number[] {
  return Array.from(at, (_, i) => {
    const moved = (by: number) => f(Array.from(at, (value, k) => (k === i ? value + by : value)));
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  });
}

let session: Session;

beforeAll(async () => {
  const program = trace(build, { predict, descend, differentiate });
  const engine = await Engine.open({ device: 'cpu', threads: 1, xla: false, precision: 'float32' });
  session = await engine.load(program);
});
afterAll(() => session.close());

const kernelOf = async () => (await session.state()).get('head/kernel')!;

test('in a graph the logits are the scaled cosines of embeddings and kernel', async () => {
  const { logits } = await session.run('predict', { x });
  const kernel = await kernelOf();
  expect(kernel.shape).toEqual([DIMENSION, CLASSES]);
  const sum = logits!.reduce((total, logit, i) => total + logit * dy[i]!, 0);
  expect(sum).toBeCloseTo(weighted(x, Float32Array.from(kernel.data)), 4);
});

test('embeddings get the gradient of finite differences', async () => {
  const kernel = Float32Array.from((await kernelOf()).data);
  const { dx } = await session.run('differentiate', { x, dy });
  const expected = differences((values) => weighted(values, kernel), x);
  for (const [i, g] of expected.entries()) expect(Math.abs(dx![i]! - g)).toBeLessThan(1e-4);
});

test('the kernel learns by the gradient of finite differences', async () => {
  const before = Float32Array.from((await kernelOf()).data);
  await session.run('descend', { x, dy });
  const after = (await kernelOf()).data;
  const expected = differences((values) => weighted(x, values), before);
  for (const [i, g] of expected.entries()) expect(Math.abs(before[i]! - after[i]! - g)).toBeLessThan(1e-4);
});

test('its configuration makes the same layer', () => {
  const layer = cosineHead(settings);
  const again = cosineHead(layer.getConfig() as never);
  expect(again.getConfig()).toEqual(layer.getConfig());
  expect(layer.getConfig()).toMatchObject(settings);
});
