import { readFileSync } from 'node:fs';
import { FUSED } from '@trikd/core/losses/objective';
import { cosineHead } from '@trikd/core/models/layers';
import { MarginSpec, marginLoss } from '@trikd/core/tasks/verification/margin-loss';
import {
  Engine,
  type FunctionDefinition,
  float32,
  int32,
  type Program,
  type Scope,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tf,
  trace,
} from '@trikd/engine';
import { describe, expect, test } from 'vitest';

/** The JSON of the script that made the numbers. */
interface Golden {
  readonly rows: number;
  readonly dimension: number;
  readonly classes: number;
  readonly labels: readonly number[];
  readonly embeddings: readonly number[];
  readonly kernel: readonly number[];
  readonly results: readonly {
    readonly spec: unknown;
    readonly logits: readonly number[];
    readonly loss: number;
    readonly gradients: Readonly<Record<'embeddings' | 'kernel', readonly number[]>>;
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('./margin_softmax.json', import.meta.url), 'utf8'));
const { rows, dimension, classes } = golden;
const inputs = { embeddings: float32(rows, dimension), labels: int32(rows) };

/** A head in a graph: its logits, and the loss with its gradients, of which that of the kernel is one step of plain descent. */
function program(spec: MarginSpec): Program {
  const lossOf = (scope: Scope<string>, embeddings: Tensor) => {
    const logits = scope.model(embeddings, { training: true }) as Tensor2D;
    return marginLoss(FUSED, logits, scope.inputs['labels'] as Tensor1D, spec);
  };
  const predict: FunctionDefinition = {
    inputs,
    body: (scope) => ({ logits: scope.model(scope.inputs['embeddings']!, { training: false }) }),
  };
  const differentiate: FunctionDefinition = {
    inputs,
    body(scope) {
      const { value, grad } = tf.valueAndGrad((own) => lossOf(scope, own))(scope.inputs['embeddings']!);
      return { value, grad };
    },
  };
  const descend: FunctionDefinition = {
    inputs,
    body(scope) {
      const zero = tf.scalar(0);
      const optimizer = { kind: 'sgd', momentum: zero, nesterov: false, weightDecay: zero, decoupled: false } as const;
      const loss = () => lossOf(scope, scope.inputs['embeddings']!);
      return { value: scope.minimize({ loss, optimizer, learningRate: tf.scalar(1) }).loss };
    },
  };
  const build = () => {
    const input = tf.input({ shape: [dimension] });
    const head = cosineHead({ name: 'head', classes, scale: spec.scale, seed: 1 });
    return tf.model({ inputs: input, outputs: head.apply(input) as typeof input });
  };
  return trace(build, { predict, differentiate, descend });
}

async function computed(spec: MarginSpec) {
  const engine = await Engine.open({ device: 'cpu', threads: 1, xla: false, precision: 'float32' });
  const traced = program(spec);
  const kernel = { dtype: 'float32', shape: [dimension, classes], data: Float32Array.from(golden.kernel) } as const;
  const state = new Map(
    [...traced.variables.values()].map(({ name, shape, initial }) => {
      return [name, name === 'head/kernel' ? kernel : { dtype: 'float32' as const, shape, data: initial }];
    }),
  );
  const session = await engine.load(traced, state);
  try {
    const feeds = { embeddings: Float32Array.from(golden.embeddings), labels: Int32Array.from(golden.labels) };
    const { logits } = await session.run('predict', feeds);
    const { value, grad } = await session.run('differentiate', feeds);
    await session.run('descend', feeds);
    const after = (await session.state()).get('head/kernel')!.data;
    const moved = golden.kernel.map((before, i) => before - after[i]!);
    return { logits: logits!, loss: value!, embeddings: grad!, kernel: moved };
  } finally {
    await session.close();
  }
}

/** What float32 leaves: a logit is known to a few units of 1e-7 of the scale, and so is a gradient, which the scale multiplies. */
const PRECISION = 2e-6;

function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...Array.from(expected, (value, i) => Math.abs(actual[i]! - value)));
}

describe.each(golden.results)('$spec agrees with numpy', async ({ spec: written, logits, loss, gradients }) => {
  const spec = MarginSpec.parse(written);
  const got = await computed(spec);

  test('in the logits', () => {
    expect(distance(got.logits, logits)).toBeLessThan(PRECISION * spec.scale);
  });

  test('in the loss', () => {
    expect(distance(got.loss, [loss])).toBeLessThan(PRECISION * spec.scale);
  });

  test.each(['embeddings', 'kernel'] as const)('in the gradient of the %s', (name) => {
    expect(distance(got[name], gradients[name])).toBeLessThan(PRECISION * spec.scale);
  });
});
