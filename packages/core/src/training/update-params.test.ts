import {
  Engine,
  float32,
  int32,
  type Program,
  type Scalar,
  type Session,
  softmaxCrossEntropy,
  type Tensor1D,
  type Tensor2D,
  tf,
  trace,
} from '@trikd/engine';
import { crossEntropy, klToTarget, numericalGradient, type Rows } from '@trikd/testing/training/reference-losses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { distillationLoss } from '../losses/distillation-loss.js';
import { FUSED } from '../losses/objective.js';
import { taskLoss } from '../losses/task-loss.js';
import type { GateSpec } from '../spec/gate-spec.js';
import type { TermSpec } from '../spec/role-spec.js';
import { updateParams } from './update-params.js';

const [ROWS, INPUTS, CLASSES, T] = [4, 3, 3, 2];
const labels = [2, 0, 1, 1];
const x: Rows = [
  [0.5, -1, 0.3],
  [1.5, 1, -0.5],
  [-2, 0.1, 1],
  [0.2, 0.7, -1.1],
];
/** Logits that are sure of the label, or of the class after it. */
const sureOf = (shift: number): Rows =>
  labels.map((label) => Array.from({ length: CLASSES }, (_, c) => (c === (label + shift) % CLASSES ? 3 : -1)));
const targets = { agreeing: sureOf(0), opposing: sureOf(1) };
const weights = { task: 1.5, agreeing: 0.5, opposing: 0.25 };
type Hint = keyof typeof targets;

const hint = (gate?: GateSpec): TermSpec => ({
  kind: 'distillation',
  from: 'peer',
  weight: 1,
  temperature: T,
  ...(gate && { gate }),
});

type Loss = (logits: Tensor2D, target: Tensor2D) => Scalar;

const divergence: Loss = (logits, target) =>
  distillationLoss({ tf, softmaxCrossEntropy }, logits, target, tf.scalar(T));
/** No weight, of a loss whose gradient has a gradient: that of a fused op has none. */
const nothing: Loss = (logits, target) => tf.mul(0, tf.mean(tf.square(tf.sub(logits, target))));

/** A function that learns from the labels and from hints, each with its gate, and outputs what each gate did. */
function learns(hints: Readonly<Partial<Record<Hint, GateSpec | undefined>>>, loss = divergence) {
  const names = Object.keys(hints) as Hint[];
  const terms: TermSpec[] = [{ kind: 'task', weight: 1 }, ...names.map((name) => hint(hints[name]))];
  return {
    inputs: {
      x: float32(ROWS, INPUTS),
      labels: int32(ROWS),
      agreeing: float32(ROWS, CLASSES),
      opposing: float32(ROWS, CLASSES),
    },
    body(scope: Parameters<typeof updateParams>[0]) {
      const zero = tf.scalar(0);
      const optimizer = { kind: 'sgd', momentum: zero, nesterov: false, weightDecay: zero, decoupled: false } as const;
      const forward = () => {
        const logits = scope.model(scope.inputs.x!, { training: true }) as Tensor2D;
        const task = taskLoss(FUSED, logits, scope.inputs.labels as Tensor1D);
        const values = names.map((name) => tf.mul(weights[name], loss(logits, scope.inputs[name] as Tensor2D)));
        return { logits, weighted: [tf.mul(weights.task, task), ...values] as Scalar[] };
      };
      // A rate of 1 takes the whole gradient from the params.
      const { gradientNorm, gates } = updateParams(scope, terms, forward, { optimizer, learningRate: tf.scalar(1) });
      return {
        gradientNorm,
        ...Object.fromEntries([...gates].map(([index, open]) => [`gate ${names[index - 1]}`, open])),
      };
    },
  };
}

const byParams = (threshold?: number): GateSpec => ({
  kind: 'params-similarity',
  ...(threshold !== undefined && { threshold }),
});
const byLogits = (threshold?: number): GateSpec => ({ ...byParams(threshold), kind: 'logits-similarity' });

const functions = {
  ungated: learns({ agreeing: undefined, opposing: undefined }),
  'agreeing alone': learns({ agreeing: undefined }),
  params: learns({ agreeing: byParams(), opposing: byParams() }),
  logits: learns({ agreeing: byLogits(), opposing: byLogits() }),
  'params, one of two': learns({ agreeing: undefined, opposing: byParams() }),
  both: learns({ agreeing: byLogits(), opposing: byParams() }),
  'params, open': learns({ agreeing: byParams(-1), opposing: byParams(-1) }),
  'logits, open': learns({ agreeing: byLogits(-1), opposing: byLogits(-1) }),
  'logits, nothing': learns({ agreeing: byLogits() }, nothing),
  'params, nothing': learns({ agreeing: byParams() }, nothing),
};
type Name = keyof typeof functions;

function model() {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 3 });
  const dense = tf.layers.dense({ name: 'dense', inputShape: [INPUTS], units: CLASSES, kernelInitializer });
  return tf.sequential({ layers: [dense] });
}

const flat = (rows: Rows) => Float32Array.from(rows.flat());
const feeds = {
  x: flat(x),
  labels: Int32Array.from(labels),
  agreeing: flat(targets.agreeing),
  opposing: flat(targets.opposing),
};

let program: Program;
let session: Session;
const results = new Map<Name, { readonly gradient: readonly number[]; readonly outputs: Record<string, number> }>();

beforeAll(async () => {
  program = trace(model, functions);
  session = await (await Engine.open({ device: 'cpu', threads: 1, xla: false, precision: 'float32' })).load(program);
  const start = await session.state();
  for (const name of Object.keys(functions) as Name[]) {
    await session.assign(start);
    const outputs = await session.run(name, feeds);
    const after = await session.state(['param']);
    const gradient = [...after].flatMap(([param, { data }]) =>
      Array.from(data as Float32Array, (value, i) => Number(start.get(param)!.data[i]) - value),
    );
    results.set(name, {
      gradient,
      outputs: Object.fromEntries(Object.entries(outputs).map(([key, [value]]) => [key, value!])),
    });
  }
});
afterAll(() => session.close());

const gradient = (name: Name) => results.get(name)!.gradient;
const outputs = (name: Name) => results.get(name)!.outputs;

/** Gradients of the weighted terms by kernel and bias, in double precision. */
function plainGradients() {
  const kernel = program.variables.get('dense/kernel')!.initial;
  const logits = x.map((row) =>
    Array.from({ length: CLASSES }, (_, c) => row.reduce((sum, value, i) => sum + value * kernel[i * CLASSES + c]!, 0)),
  );
  const byParam = (loss: (logits: Rows) => number) => {
    const dy = numericalGradient(loss, logits);
    const over = (f: (row: number) => number) => labels.reduce((sum, _, row) => sum + f(row), 0);
    const ofKernel = Array.from({ length: INPUTS * CLASSES }, (_, i) =>
      over((row) => x[row]![Math.floor(i / CLASSES)]! * dy[row * CLASSES + (i % CLASSES)]!),
    );
    return {
      params: [...ofKernel, ...Array.from({ length: CLASSES }, (_, c) => over((row) => dy[row * CLASSES + c]!))],
      dy,
    };
  };
  const distilled = (name: Hint) => byParam((own) => weights[name] * T * T * klToTarget(targets[name], own, T));
  return {
    task: byParam((own) => weights.task * crossEntropy(labels, own)),
    agreeing: distilled('agreeing'),
    opposing: distilled('opposing'),
  };
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const cosine = (a: readonly number[], b: readonly number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
const sum = (...all: readonly (readonly number[])[]) =>
  all[0]!.map((_, i) => all.reduce((total, each) => total + each[i]!, 0));
const apart = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

test('the hints of these tests agree with the task, and oppose it, in params and in logits', () => {
  const { task, agreeing, opposing } = plainGradients();
  for (const space of ['params', 'dy'] as const) {
    expect(cosine(task[space], agreeing[space])).toBeGreaterThan(0.2);
    expect(cosine(task[space], opposing[space])).toBeLessThan(-0.05);
  }
});

describe.each<Name>(['params', 'logits', 'both'])('gates: %s', (name) => {
  test('are open to the hint that agrees with the task, and shut to the one that opposes it', () => {
    expect(outputs(name)).toMatchObject({ 'gate agreeing': 1, 'gate opposing': 0 });
  });

  test('leave the gradient of the terms that take part', () => {
    const { task, agreeing } = plainGradients();
    expect(apart(gradient(name), sum(task.params, agreeing.params))).toBeLessThanOrEqual(1e-6);
  });
});

test('a hint without a gate takes part whatever the gates of others do', () => {
  const { task, agreeing } = plainGradients();
  expect(apart(gradient('params, one of two'), sum(task.params, agreeing.params))).toBeLessThanOrEqual(1e-6);
  expect(Object.keys(outputs('params, one of two'))).toEqual(['gradientNorm', 'gate opposing']);
});

test('the gradient norm is that of what takes part', () => {
  const { task, agreeing } = plainGradients();
  const total = sum(task.params, agreeing.params);
  expect(outputs('params').gradientNorm).toBeCloseTo(Math.sqrt(dot(total, total)), 5);
});

test('open gates on the logits change no bit of the update', () => {
  expect(outputs('logits, open')).toMatchObject({ 'gate agreeing': 1, 'gate opposing': 1 });
  expect(gradient('logits, open')).toEqual(gradient('ungated'));
});

test.each<Name>(['logits, nothing', 'params, nothing'])(
  'a hint without weight leaves the gradient of the task, as no gradient flows through the gate itself: %s',
  (name) => {
    expect(apart(gradient(name), plainGradients().task.params)).toBeLessThanOrEqual(1e-6);
  },
);

test('open gates on the params change the update by rounding alone: gradients are added after the backward pass, not before', () => {
  expect(outputs('params, open')).toMatchObject({ 'gate agreeing': 1, 'gate opposing': 1 });
  expect(apart(gradient('params, open'), gradient('ungated'))).toBeLessThanOrEqual(1e-6);
});

test('what is shut out is as if it were not there', () => {
  expect(gradient('logits')).toEqual(gradient('agreeing alone'));
});
