import { readFileSync } from 'node:fs';
import { LossSpec, lossValue } from '@trikd/core/losses/registry';
import {
  Engine,
  type FunctionDefinition,
  float32,
  int32,
  type Scalar,
  type Session,
  softmaxCrossEntropy,
  type Tensor1D,
  type Tensor2D,
  tf,
  trace,
} from '@trikd/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Case {
  readonly temperature: number;
  readonly labels: readonly number[];
  readonly classes: number;
  readonly logits: readonly number[];
  readonly target: readonly number[];
}

/** The JSON of the script that made the numbers. */
interface Golden {
  readonly cases: Readonly<Record<string, Case>>;
  readonly losses: readonly {
    readonly spec: object;
    readonly results: Readonly<Record<string, { readonly value: number; readonly gradient: readonly number[] }>>;
  }[];
}

const file = new URL('./distillation_losses.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

/** Each loss on each case. */
const computations = golden.losses.flatMap(({ spec, results }) =>
  Object.entries(results).map(([name, result]) => {
    const title = `${JSON.stringify(spec)} of ${name}`;
    return { title, spec: LossSpec.parse(spec), inputs: golden.cases[name]!, result };
  }),
);

/** The value of a loss and its gradient with respect to the logits. */
function definition(spec: LossSpec, { labels, classes }: Case): FunctionDefinition {
  const matrix = float32(labels.length, classes);
  return {
    inputs: { logits: matrix, target: matrix, labels: int32(labels.length), temperature: float32() },
    body({ inputs }) {
      const [target, temperature] = [inputs.target as Tensor2D, inputs.temperature as Scalar];
      const ops = { tf, softmaxCrossEntropy };
      const f = (logits: Tensor2D) =>
        lossValue(spec, { logits, target, labels: inputs.labels as Tensor1D, temperature, ops });
      const { value, grad } = tf.valueAndGrad((logits) => f(logits as Tensor2D))(inputs.logits!);
      return { value, gradient: grad };
    },
  };
}

function emptyModel() {
  const input = tf.input({ shape: [1] });
  const output = tf.layers.activation({ activation: 'linear' }).apply(input) as typeof input;
  return tf.model({ inputs: input, outputs: output });
}

let session: Session;

beforeAll(async () => {
  const functions = computations.map(({ title, spec, inputs }) => [title, definition(spec, inputs)] as const);
  const program = trace(emptyModel, Object.fromEntries(functions));
  session = await (await Engine.open({ device: 'cpu', threads: 1, xla: false, precision: 'float32' })).load(program);
});

afterAll(() => session.close());

/** What float32 leaves of a loss that is a difference of numbers of the size of logits, times T². */
function tolerance(expected: number, { temperature }: Case): number {
  return 2e-5 * Math.abs(expected) + 4e-6 * temperature ** 2;
}

describe.each(computations)('in a graph, $title has', ({ title, inputs, result }) => {
  const run = () =>
    session.run(title, {
      logits: Float32Array.from(inputs.logits),
      target: Float32Array.from(inputs.target),
      labels: Int32Array.from(inputs.labels),
      temperature: inputs.temperature,
    });

  test('the value of the papers in double precision', async () => {
    const { value } = await run();
    expect(Math.abs(value![0]! - result.value)).toBeLessThanOrEqual(tolerance(result.value, inputs));
  });

  test('the gradient of finite differences of these values', async () => {
    const { gradient } = await run();
    const apart = result.gradient.map((wanted, i) => Math.abs(gradient![i]! - wanted) / tolerance(wanted, inputs));
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
  });
});

test('every loss and every knob is in the numbers', () => {
  const knobs = (of: readonly object[]) => new Set(of.flatMap((spec) => Object.keys(spec)));
  const written = golden.losses.map(({ spec }) => spec);
  const kinds = new Set(written.map((spec) => LossSpec.parse(spec).kind));
  expect(kinds).toEqual(new Set(LossSpec.options.map(({ shape }) => shape.kind.value)));
  expect(knobs(written)).toEqual(new Set(LossSpec.options.flatMap(({ shape }) => Object.keys(shape))));
});
