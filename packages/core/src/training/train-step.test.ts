import { Engine } from '@trikd/engine';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { dullFrames, lonePorts } from '@trikd/testing/training/lone-ports';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeBatch } from '../data/batch.js';
import { ALL_LOGITS, type FrameFormat, formatIn, type LogitsFrame } from '../exchange/frame.js';
import { fromSent, toSent } from '../exchange/sent-logits.js';
import type { ScheduleSpec } from '../spec/role-spec.js';
import { RunSpec } from '../spec/run-spec.js';
import { learnerOf } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { answerOf } from '../tasks/classification/answer.js';
import { temperatureInput, traceTrainer } from './role-program.js';
import { stagePlan } from './stage-plan.js';
import { createStallWatch } from './stall-watch.js';
import { learningRate, type StepContext, trainStep } from './train-step.js';

const schedule: fc.Arbitrary<ScheduleSpec> = fc.oneof(
  fc.constant({ kind: 'constant' } as const),
  fc.constant({ kind: 'cosine' } as const),
  fc.record({
    kind: fc.constant('multistep' as const),
    milestones: fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { maxLength: 4 }),
    factor: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
  }),
);
const setting = fc.record({
  schedule,
  peak: fc.double({ min: 1e-6, max: 10, noNaN: true }),
  warmup: fc.nat(50),
  total: fc.integer({ min: 1, max: 300 }),
});

function rates(one: { schedule: ScheduleSpec; peak: number; warmup: number; total: number }): readonly number[] {
  return Array.from({ length: one.total }, (_, step) =>
    learningRate(one.schedule, one.peak, one.warmup, one.total, step),
  );
}

describe('every schedule', () => {
  test('stays above 0 and never exceeds the peak', () => {
    fc.assert(
      fc.property(setting, (one) => {
        for (const rate of rates(one)) {
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(one.peak);
        }
      }),
    );
  });

  test('rises by equal amounts during warm-up, from peak / warmupSteps to the peak', () => {
    fc.assert(
      fc.property(setting, (one) => {
        for (const [step, rate] of rates(one).slice(0, one.warmup).entries()) {
          expect(rate).toBeCloseTo((one.peak * (step + 1)) / one.warmup, 9);
        }
      }),
    );
  });

  test('never rises after warm-up', () => {
    fc.assert(
      fc.property(setting, (one) => {
        const after = rates(one).slice(one.warmup);
        for (const [i, rate] of after.entries()) expect(rate).toBeLessThanOrEqual(after[i - 1] ?? rate);
      }),
    );
  });
});

test('a constant rate is the peak', () => {
  expect(rates({ schedule: { kind: 'constant' }, peak: 0.1, warmup: 0, total: 3 })).toEqual([0.1, 0.1, 0.1]);
});

test('the cosine starts at the peak, is half of it midway and reaches 0 at the end', () => {
  const at = (step: number) => learningRate({ kind: 'cosine' }, 0.4, 20, 120, step);
  expect(at(20)).toBe(0.4);
  expect(at(70)).toBeCloseTo(0.2, 12);
  expect(at(120)).toBe(0);
});

test('a multistep rate falls by the factor at each milestone', () => {
  const steps: ScheduleSpec = { kind: 'multistep', milestones: [0.75, 0.5], factor: 0.1 };
  const at = (step: number) => learningRate(steps, 1, 0, 100, step);
  expect([at(0), at(49), at(50), at(74)]).toEqual([1, 1, 0.1, 0.1]);
  expect(at(75)).toBeCloseTo(0.01, 12);
});

const spec = specFor('tiny, student alone');
const dataset = datasetFor(spec);

async function openStep(of: RunSpec = spec, ports = lonePorts().ports, stageIndex = 0): Promise<StepContext> {
  const stage = stageAt(of, stageIndex, stageIndex > 0);
  const learner = learnerOf(stage, 'student');
  const program = traceTrainer({ spec: of, dataset }, stage, learner);
  const session = await (await Engine.open(of.engine)).load(program);
  const attempt = { runId: of.name, stage: stageIndex, attempt: 1 };
  const plan = stagePlan(stage, of.batchSize, dataset.train.count);
  const stalls = createStallWatch(ports, 15);
  return { spec: of, stage, learner, attempt, dataset, session, plan, ports, stalls };
}

const batch = makeBatch(dataset, spec, 0, 0);

test('a run that fails before it has sent its logits fails the step, which would wait for them for ever', async () => {
  const context = await openStep();
  const short = { ...batch, labels: batch.labels.subarray(1) };
  await expect(trainStep(context, short, () => {})).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'train.labels: expected 16 values for [16], got 15',
  });
  await context.session.close();
});

test('a listener receives every moment of a step, in order', async () => {
  const hearing = specFor('tiny');
  const attempt = { runId: hearing.name, stage: 1, attempt: 1 };
  const frames = () => dullFrames(hearing, dataset, attempt);
  const moments: string[] = [];
  const { ports } = lonePorts({
    frames: { anchor: frames(), teacher: frames() },
    steps: (step, moment) => moments.push(`${step} ${moment}`),
  });
  const context = await openStep(hearing, ports, 1);
  await trainStep(context, makeBatch(dataset, hearing, 1, 0), () => {});
  expect(moments).toEqual(
    ['forward', 'next-data', 'next-data-done', 'await-anchor', 'publish', 'await-peer', 'backward', 'done'].map(
      (moment) => `0 ${moment}`,
    ),
  );
  await context.session.close();
});

test('the work for meanwhile is done once, before the logits are taken', async () => {
  const context = await openStep();
  const order: string[] = [];
  const publish = async () => void order.push('published');
  await trainStep({ ...context, ports: { ...context.ports, publish } }, batch, () => order.push('meanwhile'));
  expect(order).toEqual(['meanwhile', 'published']);
  await context.session.close();
});

test('a long wait for a frame is reported by name, and so is its end', async () => {
  const hearing = specFor('tiny');
  const asked = Promise.withResolvers<void>();
  const frame = Promise.withResolvers<IteratorResult<LogitsFrame, void>>();
  const next = () => {
    asked.resolve();
    return frame.promise;
  };
  const clock = virtualClock();
  const { ports, events } = lonePorts({ clock, frames: { teacher: { next } } });
  const context = await openStep(hearing, ports);
  const step = trainStep(context, batch, () => {});
  await asked.promise;
  await clock.advance(16_000);
  frame.resolve(await dullFrames(hearing, dataset, context.attempt).next());
  expect((await step).waits).toEqual({ teacher: 16_000 });
  expect(events).toEqual([
    { kind: 'stalled', on: 'teacher', reason: 'waiting for step 0 of the teacher for 15 s' },
    { kind: 'went-on', on: 'teacher' },
  ]);
  context.stalls.end();
  await context.session.close();
});

test('no frame of a step is published before the frame of the anchor, so that all models stop at the same step', async () => {
  const order: string[] = [];
  const hearing = specFor('tiny');
  const attempt = { runId: hearing.name, stage: 1, attempt: 1 };
  const frames = (source: 'anchor' | 'teacher') => {
    const dull = dullFrames(hearing, dataset, attempt);
    const next = () => {
      order.push(`hears ${source}`);
      return dull.next();
    };
    return { next };
  };
  const publish = async () => void order.push('publishes');
  const { ports } = lonePorts({ frames: { anchor: frames('anchor'), teacher: frames('teacher') }, publish });
  const context = await openStep(hearing, ports, 1);
  await trainStep(context, makeBatch(dataset, hearing, 1, 0), () => {});
  expect(order).toEqual(['hears anchor', 'publishes', 'hears teacher']);
  await context.session.close();
});

test('the task loss is reported at weight 1, whatever its weight', async () => {
  const losses = await Promise.all(
    [1, 0.25].map(async (weight) => {
      const context = await openStep();
      const report = await trainStep(
        { ...context, learner: { ...context.learner, objective: [{ kind: 'task', weight }] } },
        batch,
        () => {},
      );
      await context.session.close();
      return { weighted: report.values.terms[0]!.value, plain: report.taskLoss };
    }),
  );
  expect(losses[1]!.plain).toBeCloseTo(losses[0]!.plain, 6);
  expect(losses[1]!.weighted).toBeCloseTo(0.25 * losses[0]!.weighted, 6);
});

test('a step reports each gate by what its term learns from, and none where there is no gate', async () => {
  const gated = (from: 'anchor' | 'peer', kind: 'params-similarity' | 'logits-similarity', threshold: number) =>
    ({ kind: 'distillation', from, weight: 0.5, temperature: 2, gate: { kind, threshold } }) as const;
  const of = specFor('tiny', {
    // No cosine of two gradients that differ is 1.
    student: {
      objective: [{ kind: 'task' }, gated('peer', 'params-similarity', 1), gated('anchor', 'logits-similarity', -1)],
    },
  });
  const attempt = { runId: of.name, stage: 1, attempt: 1 };
  const frames = () => dullFrames(of, dataset, attempt);
  const context = await openStep(of, lonePorts({ frames: { anchor: frames(), teacher: frames() } }).ports, 1);
  const report = await trainStep(context, makeBatch(dataset, of, 1, 0), () => {});
  expect(report.values.terms.map(({ part, open }) => [part, open])).toEqual([
    ['task', undefined],
    ['teacher', false],
    ['anchor', true],
  ]);
  await context.session.close();
  const plain = await openStep();
  const { values } = await trainStep(plain, batch, () => {});
  expect(values.terms.every((term) => !('open' in term))).toBe(true);
  await plain.session.close();
});

test('a weight that is a schedule is that of the step, and none at 0 has a task loss', async () => {
  const weight = {
    points: [
      [0, 0.5],
      [0.5, 2],
      [0.75, 0],
    ] as [number, number][],
    curve: 'step' as const,
  };
  const report = async (step: number) => {
    const context = await openStep();
    const at = makeBatch(dataset, spec, 0, step);
    const { values, taskLoss } = await trainStep(
      { ...context, learner: { ...context.learner, objective: [{ kind: 'task', weight }] } },
      at,
      () => {},
    );
    await context.session.close();
    return values.terms[0]!.value / taskLoss;
  };
  expect(await report(0)).toBeCloseTo(0.5, 5);
  expect(await report(5)).toBeCloseTo(0.5, 5);
  expect(await report(6)).toBeCloseTo(2, 5);
  expect(await report(9)).toBeNaN();
});

test('a temperature that is a schedule is that of the step and the stage', async () => {
  const temperature = {
    byGeneration: [
      3,
      {
        points: [
          [0, 8],
          [1, 2],
        ] as [number, number][],
      },
    ],
  };
  const hearing = specFor('tiny');
  const fed = async (stage: number, step: number) => {
    const attempt = { runId: hearing.name, stage, attempt: 1 };
    const frames = dullFrames(hearing, dataset, attempt);
    for (let skipped = 0; skipped < step; skipped++) await frames.next();
    const student = {
      ...hearing.student!,
      objective: [{ kind: 'distillation' as const, from: 'peer', weight: 1, temperature }],
    };
    const context = await openStep({ ...hearing, student }, lonePorts({ frames: { teacher: frames } }).ports, stage);
    const { session } = context;
    const seen: unknown[] = [];
    const run: typeof session.run = (name, feeds) => {
      seen.push(feeds[temperatureInput(0)]);
      return session.run(name, feeds);
    };
    const watched = {
      run,
      take: session.take.bind(session),
      put: session.put.bind(session),
      state: session.state.bind(session),
      assign: session.assign.bind(session),
      close: session.close.bind(session),
    };
    await trainStep({ ...context, session: watched }, makeBatch(dataset, hearing, stage, step), () => {});
    await session.close();
    return seen;
  };
  expect(await fed(0, 6)).toEqual([3]);
  expect(await fed(1, 6)).toEqual([5]);
});

test('after mixup the task loss and the batch accuracy count both labels of a row by their shares', async () => {
  const mixing = RunSpec.parse({ ...spec, augment: [{ kind: 'mixup' }] });
  const context = await openStep(mixing);
  const frames: LogitsFrame[] = [];
  const publish = async (frame: LogitsFrame) => void frames.push(frame);
  const mixed = makeBatch(dataset, mixing, 0, 0);
  const step = await trainStep({ ...context, ports: { ...context.ports, publish } }, mixed, () => {});
  const { cols } = frames[0]!.logits;
  const data = fromSent(frames[0]!.logits);
  const both = Array.from(mixed.labels, (own, row) => {
    const share = mixed.mix!.shares[row]!;
    const logits = data.subarray(row * cols, (row + 1) * cols);
    const [first, second] = [answerOf(logits, own), answerOf(logits, mixed.mix!.labels[row]!)];
    const right = (rank: number) => (rank === 0 ? 1 : 0);
    return {
      loss: share * first.nll + (1 - share) * second.nll,
      right: share * right(first.rank) + (1 - share) * right(second.rank),
    };
  });
  const mean = (of: (one: (typeof both)[number]) => number) =>
    both.reduce((sum, one) => sum + of(one), 0) / both.length;
  expect(step.taskLoss).toBeCloseTo(
    mean(({ loss }) => loss),
    5,
  );
  expect(step.values.batchMetrics['accuracy']).toBeCloseTo(
    mean(({ right }) => right),
    5,
  );
  await context.session.close();
});

test('a step publishes its logits in the format of the run, and learns from those of others as they were sent', async () => {
  const exchange = { precision: 'float16', topK: 1 } as const;
  const attempt = { runId: 'tiny', stage: 0, attempt: 1 };
  /** What the student sends and learns when the teacher has these logits, which are sent in a format. */
  const learn = async (format: FrameFormat, row: readonly number[]) => {
    const of = specFor('tiny', format.topK === undefined ? {} : { exchange });
    const data = Float32Array.from({ length: 16 * 4 }, (_, i) => row[i % 4]!);
    const logits = toSent({ rows: 16, cols: 4, data }, format, 'the teacher');
    const published: LogitsFrame[] = [];
    const context = await openStep(of, {
      ...lonePorts().ports,
      frames: { teacher: dullFrames(of, dataset, attempt, (frame) => ({ ...frame, logits })) },
      publish: async (frame) => void published.push(frame),
    });
    await trainStep(context, makeBatch(dataset, of, 0, 0), () => {});
    const params = await context.session.state();
    await context.session.close();
    return { published: published[0]!.logits, params };
  };
  const compact = await learn(exchange, [1, 4.0001, 2, 3]);
  expect(formatIn(compact.published)).toEqual(exchange);
  // ln of the mean of e, e² and e³, in float16.
  const others = Math.log((Math.exp(1) + Math.exp(2) + Math.exp(3)) / 3);
  const [rest] = new Float16Array([others]);
  const whole = await learn(ALL_LOGITS, [rest!, 4, rest!, rest!]);
  expect(compact.params).toEqual(whole.params);
});
