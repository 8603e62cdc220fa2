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
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { dullFrames, lonePorts, memoryBlobs } from '@trikd/testing/training/lone-ports';
import { type PairStart, startPair } from '@trikd/testing/training/pair';
import { crossEntropy, klToTarget, numericalGradient, type Rows } from '@trikd/testing/training/reference-losses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeBatch } from '../data/batch.js';
import { TrikdError } from '../domain/errors.js';
import type { LogitsFrame } from '../exchange/frame.js';
import { reversalAt } from '../losses/learned-temperature.js';
import { distillationLoss, taskLoss } from '../losses/loss.js';
import { FUSED } from '../losses/objective.js';
import { runReferenceStage } from '../reference/reference.js';
import type { TermSpec } from '../spec/role-spec.js';
import type { GateSpec } from '../spec/term-spec.js';
import { learnerOf } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { traceTrainer } from './role-program.js';
import { stagePlan } from './stage-plan.js';
import { createStallWatch } from './stall-watch.js';
import { trainStep } from './train-step.js';
import { updateParams } from './update-params.js';

describe('learned temperatures', () => {
  const [WEIGHT, RATE, MOMENTUM] = [2, 0.1, 0.9];
  const learned = { learned: true as const, from: 0.5, range: 3, rampEpochs: 2 };
  const hint = (gate?: GateSpec): TermSpec => ({
    kind: 'distillation',
    from: 'peer',
    weight: WEIGHT,
    temperature: learned,
    ...(gate && { gate }),
  });

  /** What the teacher answers to each row of every batch. */
  const ANSWER = [3, 0, -1, 1];

  /** Trains some steps beside a teacher; theta before and after each, and what the student computed. */
  async function trained(terms: readonly TermSpec[], steps: number) {
    const spec = specFor('tiny', {
      warmupSteps: 0,
      schedule: { kind: 'constant' },
      student: {
        objective: [...terms],
        learningRate: RATE,
        optimizer: { kind: 'sgd', momentum: MOMENTUM, nesterov: false },
      },
    });
    const dataset = datasetFor(spec);
    const stage = stageAt(spec, 0, false);
    const learner = learnerOf(stage, 'student');
    const program = traceTrainer({ spec, dataset }, stage, learner);
    const session = await (await Engine.open(spec.engine)).load(program);
    const attempt = { runId: spec.name, stage: 0, attempt: 1 };
    const logits: Rows[] = [];
    const { ports } = lonePorts({
      frames: { teacher: dullFrames(spec, dataset, attempt, answered) },
      publish: async ({ logits: { rows, cols, data } }) => {
        logits.push(Array.from({ length: rows }, (_, row) => Array.from(data.subarray(row * cols, (row + 1) * cols))));
      },
    });
    const context = {
      ...{ spec, stage, learner, attempt, dataset, session, ports },
      ...{ plan: stagePlan(stage, spec.batchSize, dataset.train.count), stalls: createStallWatch(ports, 15) },
    };
    const thetaNow = async () => (await session.state(['slot'])).get('term1/theta')!.data[0] as number;
    const thetas = [await thetaNow()];
    const reports = [];
    for (let step = 0; step < steps; step++) {
      reports.push(await trainStep(context, makeBatch(dataset, spec, 0, step), () => {}));
      thetas.push(await thetaNow());
    }
    const params = [...(await session.state(['param'])).keys()];
    context.stalls.end();
    await session.close();
    return { thetas, reports, logits, params, stepsPerEpoch: context.plan.stepsPerEpoch };
  }

  function answered(frame: LogitsFrame): LogitsFrame {
    const data = frame.logits.data.map((_, index) => ANSWER[index % ANSWER.length]!);
    return { ...frame, logits: { ...frame.logits, data } };
  }

  const temperatureOf = (theta: number) => 0.5 + 3 / (1 + Math.exp(-theta));

  /** The weighted loss of a step as a function of theta, in double precision. */
  function lossOf(logits: Rows, theta: number): number {
    const T = temperatureOf(theta);
    return WEIGHT * T * T * klToTarget(Array(logits.length).fill(ANSWER), logits, T);
  }

  describe('theta', () => {
    test('climbs the gradient of its loss by finite differences, with momentum, reversed by the ramp of its epochs', async () => {
      const { thetas, logits, stepsPerEpoch } = await trained([{ kind: 'task', weight: 1 }, hint()], 10);
      expect(stepsPerEpoch).toBe(4);
      let [theta, velocity] = [1, 0];
      for (const [step, rows] of logits.entries()) {
        const gradient = (lossOf(rows, theta + 1e-4) - lossOf(rows, theta - 1e-4)) / 2e-4;
        velocity = MOMENTUM * velocity - reversalAt(learned, Math.floor(step / stepsPerEpoch)) * gradient;
        theta -= RATE * velocity;
        expect(Math.abs(thetas[step + 1]! - theta)).toBeLessThanOrEqual(1e-5);
      }
      expect(Math.abs(theta - 1)).toBeGreaterThan(1e-2);
    });

    test('makes the loss larger', async () => {
      const { thetas, logits } = await trained([{ kind: 'task', weight: 1 }, hint()], 1);
      expect(lossOf(logits[0]!, thetas[1]!)).toBeGreaterThan(lossOf(logits[0]!, thetas[0]!));
    });

    test('rests while the gate of its term is shut', async () => {
      // No cosine of two gradients that differ is 1.
      const shut = { kind: 'params-similarity', threshold: 1 } as const;
      const { thetas, reports } = await trained([{ kind: 'task', weight: 1 }, hint(shut)], 3);
      expect(reports.map(({ values }) => values.terms[1])).toEqual(
        Array(3).fill(expect.objectContaining({ part: 'teacher', open: false })),
      );
      expect(thetas).toEqual([1, 1, 1, 1]);
    });

    test('is no param of the model', async () => {
      expect((await trained([{ kind: 'task', weight: 1 }, hint()], 1)).params.join()).not.toMatch(/theta/);
    });
  });

  test('a step reports the temperature that it used, and its term at that temperature', async () => {
    const { thetas, reports, logits } = await trained([{ kind: 'task', weight: 1 }, hint()], 3);
    for (const [step, { values }] of reports.entries()) {
      const [labels, learning] = values.terms;
      expect(labels).not.toHaveProperty('temperature');
      expect(learning!.temperature).toBeCloseTo(temperatureOf(thetas[step]!), 4);
      expect(learning!.value).toBeCloseTo(lossOf(logits[step]!, thetas[step]!), 4);
    }
  });

  describe('a pair with learned temperatures and gates', () => {
    const objective = [
      { kind: 'task' as const },
      {
        kind: 'distillation' as const,
        from: 'peer',
        temperature: learned,
        gate: { kind: 'params-similarity' as const },
      },
      { kind: 'distillation' as const, from: 'anchor', gate: { kind: 'logits-similarity' as const } },
    ];
    const spec = specFor('tiny', { student: { objective }, teacher: { objective } });
    const dataset = datasetFor(spec);
    const blobs = memoryBlobs();
    const over = new TrikdError('wrong-state', 'the test is over');

    test('ends with the bits of the reference, killed and resumed or not', async () => {
      const reference = { spec, dataset, ...blobs, clock: virtualClock() };
      const first = await runReferenceStage(reference, stageAt(spec, 0, false), {});
      const anchor = first.learners['student']!.best!.params;
      const { learners: whole } = await runReferenceStage(reference, stageAt(spec, 1, true), { anchor });
      const start = (changes: Partial<PairStart> = {}) =>
        startPair({ spec, dataset, blobs, stage: 1, anchor, ...changes });

      const half = await start({ limit: 5 });
      await half.resting(5);
      const from = half.checkpoints();
      expect([...(await blobs.load(from.student.state)).keys()]).toEqual(
        expect.arrayContaining(['term1/theta', 'term1/theta/momentum']),
      );
      await half.abandon(over);

      for (const changes of [{}, { from }]) {
        const pair = await start(changes);
        await pair.ended;
        const { teacher, student } = pair.checkpoints();
        expect([teacher.state.sha256, student.state.sha256]).toEqual([
          whole['teacher']!.state.sha256,
          whole['student']!.state.sha256,
        ]);
        await pair.abandon(over);
      }
    });
  });
});

describe('update params', () => {
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
        const optimizer = {
          kind: 'sgd',
          momentum: zero,
          nesterov: false,
          weightDecay: zero,
          decoupled: false,
        } as const;
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
      Array.from({ length: CLASSES }, (_, c) =>
        row.reduce((sum, value, i) => sum + value * kernel[i * CLASSES + c]!, 0),
      ),
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
  const apart = (a: readonly number[], b: readonly number[]) =>
    Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

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
});
