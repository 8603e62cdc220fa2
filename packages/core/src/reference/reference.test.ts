import { usesOwnKernels } from '@trikd/engine';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { memoryBlobs } from '@trikd/testing/training/lone-ports';
import { describe, expect, test } from 'vitest';
import { paramsDigest } from '../checkpoint/blobs.js';
import { makeBatch } from '../data/batch.js';
import type { TrainedRole } from '../domain/position.js';
import { RunSpec } from '../spec/run-spec.js';
import { stageAt } from '../stages/stages-of.js';
import type { TrainerEvent } from '../training/ports.js';
import {
  type ReferenceOutcome,
  type ReferenceResult,
  type ReferenceRun,
  runReference,
  runReferenceStage,
} from './reference.js';

function runOf(changes: Readonly<Record<string, unknown>> = {}) {
  const spec = specFor('tiny', changes);
  const events: [TrainedRole, TrainerEvent][] = [];
  const emit = (role: TrainedRole, event: TrainerEvent) => void events.push([role, event]);
  const run: ReferenceRun = { spec, dataset: datasetFor(spec), ...memoryBlobs(), clock: virtualClock(), emit };
  return { run, events };
}

async function collect(run: ReferenceRun): Promise<ReferenceResult[]> {
  const results: ReferenceResult[] = [];
  for await (const result of runReference(run)) results.push(result);
  return results;
}

/** The first stage. */
const runFirst = (run: ReferenceRun, until?: number) => runReferenceStage(run, stageAt(run.spec, 0, false), {}, until);

/** The learners of a stage. */
function trained({ learners: { student, teacher } }: ReferenceOutcome) {
  if (!student || !teacher) throw new TypeError('a stage has a student and a teacher');
  return { student, teacher };
}

const states = (results: readonly ReferenceResult[]) =>
  results.map((result) => [trained(result).teacher.state.sha256, trained(result).student.state.sha256]);

describe('a run in one process', () => {
  test('gives the same bits twice, and others for another seed', async () => {
    const curriculum = { generations: 2 };
    const [first, second] = [await collect(runOf({ curriculum }).run), await collect(runOf({ curriculum }).run)];
    expect(states(second)).toEqual(states(first));
    const other = await collect(runOf({ curriculum, seed: 1 }).run);
    expect(new Set([...states(first), ...states(other)].flat()).size).toBe(8);
  });

  test('drops other values at each step, and the same ones when it is trained again', async () => {
    const student = {
      model: { kind: 'plain-cnn', channels: [4], dropout: 0.5 },
      objective: [{ kind: 'task', weight: 1 }],
    };
    const at = async (changes: Readonly<Record<string, unknown>>) =>
      trained(await runFirst(runOf({ student, ...changes }).run)).student.state.sha256;
    const dropped = await at({});
    expect(await at({})).toBe(dropped);
    const { dropout: _, ...model } = student.model;
    expect(await at({ student: { ...student, model } })).not.toBe(dropped);
  });

  test('with own kernels, gives the same bits twice', async () => {
    const changes = {
      student: { model: { kind: 'plain-cnn', channels: [16, 16] }, objective: [{ kind: 'task', weight: 1 }] },
      engine: { threads: 2, kernels: 'own' },
    };
    const trainedBits = async (more: object) =>
      trained(await runFirst(runOf({ ...changes, ...more }).run)).student.state.sha256;
    const own = await trainedBits({});
    expect(await trainedBits({})).toBe(own);
    const others = await trainedBits({ engine: { threads: 2, kernels: 'tensorflow' } });
    expect(others === own).toBe(!usesOwnKernels(runOf(changes).run.spec.engine));
  });

  test('makes each student but the last the anchor of the next generation', async () => {
    const { run } = runOf({ curriculum: { generations: 2 } });
    const [zero, one] = await collect(run);
    expect([zero!.stage, zero!.promoted, zero!.frozen]).toEqual([0, true, {}]);
    expect([one!.stage, one!.promoted]).toEqual([1, false]);
    // The anchor is the best student: scored on the same images by the same params.
    const { validation, test: onTest } = trained(zero!).student.best!;
    expect(one!.frozen).toEqual({ anchor: { validation, test: onTest } });
  });

  test('leaves the params of the anchor as they were', async () => {
    const { run } = runOf();
    const { params: anchor } = trained(await runFirst(run)).student.best!;
    const before = paramsDigest(await run.load(anchor));
    await runReferenceStage(run, stageAt(run.spec, 1, true), { anchor });
    expect(paramsDigest(await run.load(anchor))).toBe(before);
    expect(before).toBe(anchor.sha256);
  });

  test('ends a stage when the student has not become better for the patience', async () => {
    const { run, events } = runOf({ epochs: 6, convergence: { patience: 2, minDelta: 1 } });
    const outcome = await runFirst(run);
    // The first validation is the best; the two after it are not better by 100 %.
    expect(outcome.steps).toBe(3 * 4);
    const validations = events.filter(([role, { kind }]) => role === 'student' && kind === 'evaluation');
    expect(validations).toHaveLength(3);
    const { student, teacher } = trained(outcome);
    expect([student.step, teacher.step]).toEqual([12, 12]);
  });

  test('with patience that is never used up, ends with the same bits as without', async () => {
    const patient = await runFirst(runOf({ convergence: { patience: 50 } }).run);
    const plain = await runFirst(runOf().run);
    expect(patient.steps).toBe(plain.steps);
    // The specs differ, the training does not.
    expect(trained(patient).student.state.sha256).toBe(trained(plain).student.state.sha256);
  });

  test('stops before the step asked for', async () => {
    const outcome = await runFirst(runOf().run, 5);
    const { student, teacher } = trained(outcome);
    expect([outcome.steps, student.step, teacher.step]).toEqual([5, 5, 5]);
  });

  test('fails with the error of the role that fails', async () => {
    const teacher = {
      model: { kind: 'plain-cnn', channels: [4] },
      objective: [{ kind: 'task' }],
      learningRate: 1e38,
      clipNorm: null,
    };
    await expect(runFirst(runOf({ teacher }).run)).rejects.toMatchObject({
      kind: 'diverged',
      message: expect.stringMatching(/teacher/),
    });
  });
});

describe('a model of another server in one process', () => {
  const spec = RunSpec.parse({
    name: 'taught',
    ...{ data: { kind: 'synthetic', train: 64, noise: 32 }, batchSize: 16, epochs: 3, warmupSteps: 2 },
    ...{ method: 'kd', teacher: { from: { endpoint: 'there', model: 'm' } } },
    student: { model: { kind: 'plain-cnn', channels: [4] } },
  });
  const run: ReferenceRun = { spec, dataset: datasetFor(spec), ...memoryBlobs(), clock: virtualClock() };

  /** Ends a stage whose teacher says at each step what it is given. */
  async function taughtBy(say: (step: number) => number) {
    const remote: ReferenceRun['remote'] = async (_frozen, attempt) => ({
      logits: async (step) => {
        const { digest } = makeBatch(run.dataset, spec, attempt.stage, step);
        const { classes: cols } = run.dataset;
        const data = Float32Array.from({ length: spec.batchSize * cols }, (_, at) => say(step) * (at % cols));
        return { position: { ...attempt, step }, batchDigest: digest, logits: { rows: spec.batchSize, cols, data } };
      },
      close: async () => undefined,
    });
    const { learners, frozen } = await runFirst({ ...run, remote });
    expect(frozen).toEqual({});
    return learners['student']?.state.sha256;
  }

  test('teaches what it has answered, bit for bit', async () => {
    const first = await taughtBy((step) => step);
    expect(await taughtBy((step) => step)).toBe(first);
    expect(await taughtBy((step) => (step === 7 ? 0 : step))).not.toBe(first);
  });

  test('is refused by name where nothing asks it', async () => {
    await expect(runFirst(run)).rejects.toThrow('nothing asks model m at there');
  });
});
