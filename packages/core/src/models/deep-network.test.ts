import {
  Engine,
  type FunctionDefinition,
  float32,
  int32,
  type Scalar,
  softmaxCrossEntropy,
  type Tensor1D,
  type Tensor2D,
  tf,
  trace,
} from '@trikd/engine';
import { expect, test } from 'vitest';
import { classification } from '../tasks/classification/classification.js';
import { buildModel } from './build-model.js';
import { ModelSpec } from './registry.js';

/** Deep and large enough that TensorFlow takes its graph to need more memory than it may have. */
const [DEPTH, ROWS, SIDE, CHANNELS, CLASSES] = [56, 64, 32, 3, 10];
const STEPS = 8;

/** One step that leaves the params as they are. */
const train: FunctionDefinition = {
  inputs: { x: float32(ROWS, SIDE, SIDE, CHANNELS), labels: int32(ROWS) },
  body(scope) {
    const targets = tf.cast(tf.oneHot(scope.inputs.labels as Tensor1D, CLASSES), 'float32') as Tensor2D;
    const loss = () => {
      const logits = scope.model(scope.inputs.x!, { training: true }) as Tensor2D;
      return tf.mean(softmaxCrossEntropy(targets, logits)) as Scalar;
    };
    const [momentum, weightDecay] = [tf.scalar(0), tf.scalar(0)];
    const optimizer = { kind: 'sgd', momentum, nesterov: false, weightDecay, decoupled: false } as const;
    return scope.minimize({ loss, optimizer, learningRate: tf.scalar(0) });
  },
};

test('the norm of all gradients of a deep network has the same bits in each step with the same params', async () => {
  const image = { height: SIDE, width: SIDE, channels: CHANNELS };
  const model = ModelSpec.parse({ kind: 'resnet', depth: DEPTH });
  const program = trace(() => buildModel(model, image, classification.head({ classes: CLASSES }), 7), { train });
  const engine = await Engine.open({ device: 'cpu', threads: 2, xla: false, precision: 'float32' });
  const session = await engine.load(program);
  const x = Float32Array.from({ length: ROWS * SIDE * SIDE * CHANNELS }, (_, i) => Math.sin(1 + 0.7 * i + (i % 13)));
  const labels = Int32Array.from({ length: ROWS }, (_, row) => row % CLASSES);
  const norms = new Set<number>();
  for (let step = 0; step < STEPS; step++) norms.add((await session.run('train', { x, labels })).gradientNorm![0]!);
  await session.close();
  expect(norms.size).toBe(1);
});
