import { Engine } from '@trikd/engine';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { dullFrames, lonePorts, memoryBlobs } from '@trikd/testing/training/lone-ports';
import { type PairStart, startPair } from '@trikd/testing/training/pair';
import { klToTarget, type Rows } from '@trikd/testing/training/reference-losses';
import { describe, expect, test } from 'vitest';
import { makeBatch } from '../data/batch.js';
import { TrikdError } from '../domain/errors.js';
import type { LogitsFrame } from '../exchange/frame.js';
import { reversalAt } from '../losses/learned-temperature.js';
import { runReferenceStage } from '../reference/reference.js';
import type { GateSpec } from '../spec/gate-spec.js';
import type { TermSpec } from '../spec/role-spec.js';
import { learnerOf } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { generationPlan } from './generation-plan.js';
import { traceTrainer } from './role-program.js';
import { createStallWatch } from './stall-watch.js';
import { trainStep } from './train-step.js';

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
  const attempt = { runId: spec.name, generation: 0, attempt: 1 };
  const logits: Rows[] = [];
  const { ports } = lonePorts({
    frames: { teacher: dullFrames(spec, dataset, attempt, answered) },
    publish: async ({ logits: { rows, cols, data } }) => {
      logits.push(Array.from({ length: rows }, (_, row) => Array.from(data.subarray(row * cols, (row + 1) * cols))));
    },
  });
  const context = {
    ...{ spec, stage, learner, attempt, dataset, session, ports },
    ...{ plan: generationPlan(stage, spec.batchSize, dataset.train.count), stalls: createStallWatch(ports, 15) },
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
      startPair({ spec, dataset, blobs, generation: 1, anchor, ...changes });

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
