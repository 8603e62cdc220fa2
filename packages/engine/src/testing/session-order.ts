import { createHash } from 'node:crypto';
import type { Scalar } from '@tensorflow/tfjs';
import type { EngineOptions } from '../config-proto.js';
import { float32 } from '../dtype.js';
import { Engine } from '../engine.js';
import { type FunctionDefinition, trace } from '../graph/trace.js';
import { batchNormalization } from '../layers/batch-normalization.js';
import { tf } from '../tfjs-internals/tf.js';
import { randomNumbers } from './numbers.js';

/**
 * Trains one small net in several sessions of this process, one after the other, and prints the digest of each session's state as a
 * line. Arguments: for each session its number of threads, with `:bfloat16` behind it for another precision.
 */
const [BATCH, SIDE, STEPS] = [32, 16, 5];

/** Convolutions, batch norm and a product: the ops that oneDNN computes. */
function build() {
  const input = tf.input({ shape: [SIDE, SIDE, 3] });
  const convolution = (name: string, filters: number, strides: number, seed: number) =>
    tf.layers.conv2d({
      name,
      filters,
      kernelSize: 3,
      strides,
      padding: 'same',
      kernelInitializer: tf.initializers.heNormal({ seed }),
    });
  const layers = [
    convolution('conv0', 16, 1, 3),
    batchNormalization({ name: 'bn0' }),
    tf.layers.activation({ activation: 'relu' }),
    convolution('conv1', 32, 2, 4),
    batchNormalization({ name: 'bn1' }),
    tf.layers.activation({ activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ name: 'classifier', units: 10, kernelInitializer: tf.initializers.glorotUniform({ seed: 5 }) }),
  ];
  const output = layers.reduce((node, layer) => layer.apply(node) as typeof input, input);
  return tf.model({ inputs: input, outputs: output });
}

const train: FunctionDefinition = {
  inputs: { x: float32(BATCH, SIDE, SIDE, 3), target: float32(BATCH, 10) },
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
    return scope.minimize({ loss, optimizer, learningRate: tf.scalar(0.05) });
  },
};

function optionsOf(argument: string): EngineOptions {
  const [threads, precision = 'float32'] = argument.split(':');
  if (precision !== 'float32' && precision !== 'bfloat16') throw new RangeError(`there is no precision ${precision}`);
  return { device: 'cpu', threads: Number(threads), xla: false, precision };
}

const program = trace(build, { train });
for (const argument of process.argv.slice(2)) {
  const session = await (await Engine.open(optionsOf(argument))).load(program);
  for (let step = 0; step < STEPS; step++) {
    const x = randomNumbers(BATCH * SIDE * SIDE * 3, step);
    await session.run('train', { x, target: randomNumbers(BATCH * 10, 100 + step) });
  }
  const hash = createHash('sha256');
  for (const [name, { data }] of await session.state()) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  await session.close();
  console.log(hash.digest('hex'));
}
