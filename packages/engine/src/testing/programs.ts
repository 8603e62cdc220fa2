import type { EngineOptions } from '../config-proto.js';
import { Engine, type Session } from '../engine.js';
import { type FunctionDefinition, type Program, trace } from '../graph/trace.js';
import { tf } from '../tfjs-internals/tf.js';

/** One thread of the CPU: the fewest threads that a test can start. */
export const ONE_THREAD: EngineOptions = { device: 'cpu', threads: 1, xla: false, precision: 'float32' };

/** A model without weights, for functions that need none. */
export function emptyModel() {
  const input = tf.input({ shape: [1] });
  const output = tf.layers.activation({ activation: 'linear' }).apply(input) as typeof input;
  return tf.model({ inputs: input, outputs: output });
}

/** A dense layer [rows, inputs] -> [rows, units] called `dense`, whose params the seed decides. */
export function denseModel(inputs: number, units: number, seed = 1) {
  const kernelInitializer = tf.initializers.glorotUniform({ seed });
  return tf.sequential({
    layers: [tf.layers.dense({ name: 'dense', inputShape: [inputs], units, kernelInitializer })],
  });
}

/** Traces functions that use no model. */
export function traceFunctions(functions: Readonly<Record<string, FunctionDefinition>>): Program {
  return trace(emptyModel, functions);
}

/** Opens a session, and closes it whatever `body` does. */
export async function withSession<T>(
  program: Program,
  body: (session: Session) => Promise<T>,
  options: EngineOptions = ONE_THREAD,
): Promise<T> {
  const engine = await Engine.open(options);
  const session = await engine.load(program);
  try {
    return await body(session);
  } finally {
    await session.close();
  }
}
