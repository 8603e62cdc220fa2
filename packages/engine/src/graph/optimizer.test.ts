import type { Scalar } from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { float32 } from '../dtype.js';
import { distance, dot, randomNumbers } from '../testing/numbers.js';
import { denseModel, withSession } from '../testing/programs.js';
import { tf } from '../tfjs-internals/tf.js';
import type { Optimizer } from './optimizer.js';
import { type FunctionDefinition, trace } from './trace.js';

const [ROWS, INPUTS, UNITS, STEPS] = [4, 3, 2, 5];

/** A loss is a sum of products that cancel each other: its error is that of its terms. */
const LOSS = { relative: 2e-5, absolute: 2e-4 };

/** What the optimizers are fed with; the first five are inputs of every function. */
const numbers = {
  learningRate: 0.1,
  limit: 1e9,
  weightDecay: 0.3,
  momentum: 0.8,
  beta1: 0.7,
  beta2: 0.9,
  epsilon: 0.05,
};

type Scalars = Readonly<Record<keyof typeof numbers | 'updates', Scalar>>;

const optimizers: Readonly<Record<string, (scalars: Scalars) => Optimizer>> = {
  momentum: (scalars) => ({ kind: 'sgd', ...scalars, nesterov: false, decoupled: false }),
  nesterov: (scalars) => ({ kind: 'sgd', ...scalars, nesterov: true, decoupled: false }),
  decoupled: (scalars) => ({ kind: 'sgd', ...scalars, nesterov: false, decoupled: true }),
  adamw: (scalars) => ({ kind: 'adamw', ...scalars }),
};

/** The loss sum(model(x) · dy) is linear in the params: its gradient is xᵀ·dy for the kernel and the sum of dy for the bias. */
function definition(optimizer: (scalars: Scalars) => Optimizer, clips: boolean): FunctionDefinition {
  const names = [...Object.keys(numbers), 'updates'];
  return {
    inputs: {
      x: float32(ROWS, INPUTS),
      dy: float32(ROWS, UNITS),
      ...Object.fromEntries(names.map((name) => [name, float32()])),
    },
    body(scope) {
      const scalars = scope.inputs as Scalars;
      return scope.minimize({
        loss: () => tf.sum(tf.mul(scope.model(scope.inputs.x!, { training: true }), scope.inputs.dy!)) as Scalar,
        optimizer: optimizer(scalars),
        learningRate: scalars.learningRate,
        clipNorm: clips ? scalars.limit : undefined,
      });
    },
  };
}

const program = trace(() => denseModel(INPUTS, UNITS), {
  ...Object.fromEntries(Object.entries(optimizers).map(([name, optimizer]) => [name, definition(optimizer, true)])),
  unclipped: definition(optimizers.momentum!, false),
});

const batch = (step: number) => ({
  x: randomNumbers(ROWS * INPUTS, 10 + step),
  dy: randomNumbers(ROWS * UNITS, 20 + step),
});

interface Gradients {
  readonly kernel: number[];
  readonly bias: number[];
}

function gradientsOf({ x, dy }: ReturnType<typeof batch>): Gradients {
  const over = (f: (row: number) => number) => Array.from({ length: ROWS }, (_, row) => f(row)).reduce((a, b) => a + b);
  return {
    kernel: Array.from({ length: INPUTS * UNITS }, (_, i) =>
      over((row) => x[row * INPUTS + Math.floor(i / UNITS)]! * dy[row * UNITS + (i % UNITS)]!),
    ),
    bias: Array.from({ length: UNITS }, (_, unit) => over((row) => dy[row * UNITS + unit]!)),
  };
}

const norm = ({ kernel, bias }: Gradients) => Math.hypot(...kernel, ...bias);

/** One param of one optimizer, in double precision, by the published formulas. */
type Update = (p: number, g: number, slots: number[], step: number, decay: number) => number;

const { learningRate: rate, momentum: m, beta1, beta2, epsilon } = numbers;

/** Sutskever et al. 2013 in the form of PyTorch; the decay is part of the gradient. */
const sgd =
  (nesterov: boolean): Update =>
  (p, g, slots, _step, decay) => {
    const descent = g + decay * p;
    slots[0] = m * (slots[0] ?? 0) + descent;
    return p - rate * (nesterov ? descent + m * slots[0] : slots[0]);
  };

const updates: Readonly<Record<string, Update>> = {
  momentum: sgd(false),
  nesterov: sgd(true),
  decoupled: (p, g, slots, step, decay) => sgd(false)(p, g, slots, step, 0) - rate * decay * p,
  // Loshchilov & Hutter 2019, algorithm 2.
  adamw: (p, g, slots, step, decay) => {
    slots[0] = beta1 * (slots[0] ?? 0) + (1 - beta1) * g;
    slots[1] = beta2 * (slots[1] ?? 0) + (1 - beta2) * g * g;
    const [first, second] = [slots[0] / (1 - beta1 ** step), slots[1] / (1 - beta2 ** step)];
    return p - rate * decay * p - (rate * first) / (Math.sqrt(second) + epsilon);
  },
};

/** Params and slots after all steps; the decay is for the kernel alone. */
function reference(update: Update, limit: number) {
  const params = (['kernel', 'bias'] as const).map((name) => {
    const initial = program.variables.get(`dense/${name}`)!.initial;
    return { name, values: Array.from(initial), slots: Array.from(initial, (): number[] => []) };
  });
  for (let step = 1; step <= STEPS; step++) {
    const gradients = gradientsOf(batch(step));
    const scale = Math.min(1, limit / (norm(gradients) + 1e-6));
    for (const { name, values, slots } of params) {
      const decay = name === 'kernel' ? numbers.weightDecay : 0;
      values.forEach((p, i) => {
        values[i] = update(p, gradients[name][i]! * scale, slots[i]!, step, decay);
      });
    }
  }
  return params;
}

const train = (name: string, limit: number) =>
  withSession(program, async (session) => {
    const norms: number[] = [];
    for (let step = 1; step <= STEPS; step++) {
      const { gradientNorm } = await session.run(name, { ...batch(step), ...numbers, limit, updates: step });
      norms.push(gradientNorm![0]!);
    }
    return { state: await session.state(), norms };
  });

const SLOTS: Readonly<Record<string, readonly string[]>> = { adamw: ['m', 'v'] };

describe.each(Object.keys(optimizers))('%s', (name) => {
  test.each([
    ['without a limit', 1e9],
    ['clipped to a norm of 0.5', 0.5],
  ])('follows its formula over several steps, %s', async (_limit, limit) => {
    const { state } = await train(name, limit);
    for (const { name: param, values, slots } of reference(updates[name]!, limit)) {
      expect(distance(state.get(`dense/${param}`)!.data, values), param).toBeLessThanOrEqual(1);
      for (const [index, slot] of (SLOTS[name] ?? ['momentum']).entries()) {
        const expected = slots.map((own) => own[index]!);
        expect(distance(state.get(`dense/${param}/${slot}`)!.data, expected), slot).toBeLessThanOrEqual(1);
      }
    }
  });
});

test('the norm reported is that of all gradients together, before clipping', async () => {
  const expected = Array.from({ length: STEPS }, (_, index) => norm(gradientsOf(batch(index + 1))));
  expect(Math.min(...expected)).toBeGreaterThan(0.5);
  for (const name of ['momentum', 'unclipped']) {
    expect(distance((await train(name, 0.5)).norms, expected), name).toBeLessThanOrEqual(1);
  }
});

test('without clipping in the program, no limit is at work', async () => {
  expect((await train('unclipped', 0.5)).state).toEqual((await train('momentum', 1e9)).state);
});

test.each(Object.keys(optimizers))('the loss reported is that of the params before the update: %s', async (name) => {
  const { x, dy } = batch(1);
  const gradients = gradientsOf({ x, dy });
  await withSession(program, async (session) => {
    // Whether a read or an update that does not wait for it comes first is a race: one run would seldom show it.
    for (let updates = 1; updates <= 200; updates++) {
      const params = await session.state(['param']);
      const before = (['kernel', 'bias'] as const).map((param) =>
        dot(gradients[param], params.get(`dense/${param}`)!.data),
      );
      const { loss } = await session.run(name, { x, dy, ...numbers, updates });
      const expected = before.reduce((sum, part) => sum + part);
      expect(distance(loss!, [expected], LOSS), `update ${updates}`).toBeLessThanOrEqual(1);
    }
  });
});
