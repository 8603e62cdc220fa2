import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { memoryBlobs } from '@trikd/testing/training/lone-ports';
import { describe, expect, test } from 'vitest';
import { paramsDigest } from '../checkpoint/blobs.js';
import type { TrainedRole } from '../domain/role.js';
import type { TrainerEvent } from '../training/trainer-event.js';
import { type ReferenceResult, type ReferenceRun, runReference, runReferenceGeneration } from './reference.js';

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

const states = (results: readonly ReferenceResult[]) =>
  results.map(({ teacher, student }) => [teacher.state.sha256, student.state.sha256]);

describe('a run in one process', () => {
  test('gives the same bits twice, and others for another seed', async () => {
    const curriculum = { generations: 2 };
    const [first, second] = [await collect(runOf({ curriculum }).run), await collect(runOf({ curriculum }).run)];
    expect(states(second)).toEqual(states(first));
    const other = await collect(runOf({ curriculum, seed: 1 }).run);
    expect(new Set([...states(first), ...states(other)].flat()).size).toBe(8);
  });

  test('makes each student but the last the anchor of the next generation', async () => {
    const { run } = runOf({ curriculum: { generations: 2 } });
    const [zero, one] = await collect(run);
    expect([zero!.generation, zero!.promoted, zero!.anchor]).toEqual([0, true, undefined]);
    expect([one!.generation, one!.promoted]).toEqual([1, false]);
    // The anchor is the best student: scored on the same images by the same params.
    expect(one!.anchor).toEqual({ validation: zero!.student.best!.validation, test: zero!.student.best!.test });
  });

  test('leaves the params of the anchor as they were', async () => {
    const { run } = runOf();
    const { student } = await runReferenceGeneration(run, 0, undefined);
    const before = paramsDigest(await run.load(student.best!.params));
    await runReferenceGeneration(run, 1, student.best!.params);
    expect(paramsDigest(await run.load(student.best!.params))).toBe(before);
    expect(before).toBe(student.best!.params.sha256);
  });

  test('ends a generation when the student has not become better for the patience', async () => {
    const { run, events } = runOf({ epochs: 6, convergence: { patience: 2, minDelta: 1 } });
    const outcome = await runReferenceGeneration(run, 0, undefined);
    // The first validation is the best; the two after it are not better by 100 %.
    expect(outcome.steps).toBe(3 * 4);
    const validations = events.filter(([role, { kind }]) => role === 'student' && kind === 'evaluation');
    expect(validations).toHaveLength(3);
    expect([outcome.student.step, outcome.teacher.step]).toEqual([12, 12]);
  });

  test('with patience that is never used up, ends with the same bits as without', async () => {
    const patient = await runReferenceGeneration(runOf({ convergence: { patience: 50 } }).run, 0, undefined);
    const plain = await runReferenceGeneration(runOf().run, 0, undefined);
    expect(patient.steps).toBe(plain.steps);
    // The specs differ, the training does not.
    expect(patient.student.state.sha256).toBe(plain.student.state.sha256);
  });

  test('stops before the step asked for', async () => {
    const outcome = await runReferenceGeneration(runOf().run, 0, undefined, 5);
    expect([outcome.steps, outcome.student.step, outcome.teacher.step]).toEqual([5, 5, 5]);
  });

  test('fails with the error of the role that fails', async () => {
    const teacher = {
      model: { kind: 'plain-cnn', channels: [4] },
      objective: [{ kind: 'task' }],
      learningRate: 1e38,
      clipNorm: null,
    };
    await expect(runReferenceGeneration(runOf({ teacher }).run, 0, undefined)).rejects.toMatchObject({
      kind: 'diverged',
      message: expect.stringMatching(/teacher/),
    });
  });
});
