import { specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { placementOfNew } from './placement.js';
import { type RoleProgressed, timesOfNew } from './run-event.js';
import { conditionsOf, type LiveView, progressOf, type RunView } from './run-view.js';
import { firstState, type RunState, type StageResult } from './state.js';

describe('conditions', () => {
  const spec = specFor('bare');
  const created = '2026-01-02T03:04:05.000Z';
  const facts = { datasetDigest: 'a'.repeat(64), classes: 4, totalSteps: 4, stepsPerEpoch: 1 };
  const live: LiveView = { stalls: [], progress: {}, evaluations: {} };
  const viewOf = (state: RunState, change: Partial<RunView> = {}): RunView => ({
    ...{ spec, state, times: timesOfNew(created), placement: placementOfNew() },
    ...change,
  });
  const holding = (view: RunView) =>
    conditionsOf(view).flatMap(({ type, holds, reason }) => (holds === false ? [] : [[type, holds, reason]]));

  test.each<[RunState, string, string]>([
    [firstState, 'Queued', 'WaitingForTrio'],
    [{ ...firstState, phase: 'training', facts }, 'Training', 'TrainersLearn'],
    [{ ...firstState, phase: 'waiting' }, 'Waiting', 'AwaitsTrigger'],
    [{ ...firstState, phase: 'paused' }, 'Paused', 'PausedOnRequest'],
    [{ ...firstState, phase: 'cancelled' }, 'Cancelled', 'CancelledOnRequest'],
    [{ ...firstState, phase: 'failed', kind: 'out-of-step', reason: 'two lead' }, 'Failed', 'OutOfStep'],
    [{ phase: 'completed', stage: 0, attempt: 1, results: [], moves: [], facts }, 'Completed', 'NoFurtherGain'],
  ])('of a run that is $phase one condition holds, and the others say why they do not', (state, type, reason) => {
    const view = viewOf(state, { live });
    expect(holding(view)).toEqual([[type, true, reason]]);
    expect(conditionsOf(view)).toHaveLength(8);
    for (const { message, ...each } of conditionsOf(view)) {
      expect(message).not.toBe('');
      expect(each.reason).toMatch(/^[A-Z][A-Za-z]+$/);
      if (each.type !== 'Stalled') expect(each.since).toBe(created);
    }
  });

  test('a stalled run names what it waits for; of a run that another orchestrator drives it is unknown', () => {
    const training: RunState = { ...firstState, phase: 'training', facts };
    const stalls = [{ by: 'orchestrator' as const, on: 'store' as const, reason: 'ECONNREFUSED' }];
    expect(conditionsOf(viewOf(training, { live: { ...live, stalls, stalledAt: created } }))).toContainEqual({
      ...{ type: 'Stalled', holds: true, reason: 'StoreAway', since: created },
      message: 'the orchestrator waits for the store: ECONNREFUSED',
    });
    expect(holding(viewOf(training))).toContainEqual(['Stalled', 'unknown', 'NotDrivenHere']);
  });

  test('a queued run says where it stands in the queue, and why it lost its trio', () => {
    const queued = {
      ...{ position: 2, length: 5, reason: 'QuotaWait' as const },
      message: 'position 2 of 5: team vision has 3 of its 3 runs placed',
    };
    expect(conditionsOf(viewOf(firstState, { queued }))).toContainEqual({
      ...{ type: 'Queued', holds: true, reason: 'QuotaWait', since: created },
      message: 'position 2 of 5: team vision has 3 of its 3 runs placed',
    });
    const displaced = { why: 'trio-draining' as const, message: 'trio trio-1 is draining' };
    expect(conditionsOf(viewOf({ ...firstState, displaced }, { queued }))).toContainEqual({
      ...{ type: 'Queued', holds: true, reason: 'TrioDraining', since: created },
      message: 'trio trio-1 is draining; position 2 of 5: team vision has 3 of its 3 runs placed',
    });
  });

  test('a run that is being placed says what its trio waits for, whatever it lost the one before for', () => {
    const queued = { reason: 'ImagePull' as const, message: 'the teacher of trio t cannot pull image x' };
    const displaced = { why: 'preempted' as const, message: 'the trio was preempted' };
    expect(conditionsOf(viewOf({ ...firstState, displaced }, { queued }))).toContainEqual({
      ...{ type: 'Queued', holds: true, reason: 'ImagePull', since: created },
      message: 'the trio was preempted; the teacher of trio t cannot pull image x',
    });
  });

  test('a run that has a trio and is not driven yet is stalled by what its trio waits for', () => {
    const training: RunState = { ...firstState, phase: 'training', facts };
    const queued = { reason: 'Unschedulable' as const, message: 'the teacher of trio t cannot be scheduled' };
    expect(conditionsOf(viewOf(training, { queued }))).toContainEqual({
      ...{
        type: 'Stalled',
        holds: true,
        reason: 'Unschedulable',
        message: 'the teacher of trio t cannot be scheduled',
      },
    });
  });
});

describe('progress', () => {
  const curriculum = { generations: 3 };
  const spec = specFor('bare', { epochs: 10, curriculum });
  const model = { kind: 'plain-cnn', channels: [4] };
  const ofTeacher = {
    ...{ name: 'trial', data: { kind: 'synthetic' }, epochs: 8, warmupSteps: 0, method: 'eskd' },
    ...{ student: { model }, teacher: { model } },
  };
  const sha256 = 'a'.repeat(64);
  const facts = { datasetDigest: sha256, classes: 4, totalSteps: 100, stepsPerEpoch: 10 };
  const resultOf = (stage: number, steps: number): StageResult => {
    const validation = { metrics: { accuracy: 0.5, nll: 1 }, examples: 8 };
    const best = { step: steps, validation, params: { key: 'p', sha256, bytes: 8 } };
    const learner = { best, stateSha256: sha256 };
    const learners = { student: learner, teacher: learner };
    const pair = { step: steps, manifestKey: 'm' };
    return { stage, steps, learners, candidate: 'student', promoted: true, pair };
  };
  const trained = (participant: string, nextStep: number, stepsPerSecond: number): RoleProgressed => ({
    ...{ kind: 'progress', participant, stage: 1, totalSteps: 100 },
    progress: {
      nextStep,
      stepsPerSecond,
      terms: [],
      batchMetrics: { accuracy: 0 },
      gradientNorm: 0,
      learningRate: 0,
      waits: {},
    },
  });
  const progress = { teacher: trained('teacher', 52, 11), student: trained('student', 50, 10) };
  const viewOf = (state: RunState, live: Partial<RunView['live']> = { progress }): RunView => ({
    ...{ spec, state, times: { changed: {} }, placement: placementOfNew() },
    live: { stalls: [], progress: {}, evaluations: {}, ...live },
  });
  const second = { ...firstState, facts, stage: 1, results: [resultOf(0, 60)] };

  test('a run counts what both roles have trained, over what the curriculum can still take', () => {
    // Stage 0 converged after 60 steps; two more of 100 can follow.
    expect(progressOf(viewOf({ ...second, phase: 'training' }))).toMatchObject({
      ...{ stepsDone: 110, stepsTotal: 260, stepsPerSecond: 10, secondsRemaining: 15 },
      percent: expect.closeTo(42.3, 1),
    });
  });

  test('a run counts what its only learner has trained, and each stage by its own epochs', () => {
    const facts = { datasetDigest: sha256, classes: 4, totalSteps: 20, stepsPerEpoch: 10 };
    const state: RunState = { ...firstState, phase: 'training', facts };
    const live = { progress: { teacher: { ...trained('teacher', 15, 5), stage: 0 } } };
    expect(progressOf({ ...viewOf(state, live), spec: RunSpec.parse(ofTeacher) })).toMatchObject({
      ...{ stepsDone: 15, stepsTotal: 100, percent: 15, stepsPerSecond: 5, secondsRemaining: 17 },
    });
  });

  test('a run that rests has no speed, and counts what is stored', () => {
    const paused = progressOf(viewOf({ ...second, phase: 'paused', pairs: [{ step: 40, manifestKey: 'm' }] }, {}));
    expect(paused).toMatchObject({ stepsDone: 100, stepsPerSecond: 0 });
    expect(paused.secondsRemaining).toBeUndefined();
  });

  test.each<RunState>([
    {
      ...second,
      phase: 'failed',
      kind: 'diverged',
      reason: 'the loss is not finite',
      pairs: [{ step: 20, manifestKey: 'm' }],
    },
    { ...second, phase: 'paused', pairs: [{ step: 20, manifestKey: 'm' }] },
  ])('a run that is $phase is as far as a resume would begin, whatever its trainers have reported', (state) => {
    expect(progressOf(viewOf(state))).toMatchObject({ stepsDone: 80, stepsPerSecond: 0 });
    expect(progressOf(viewOf(state)).percent).toBe(progressOf(viewOf(state, {})).percent);
  });

  test('a run that has completed is at 100 percent, and one whose length is not known at 0', () => {
    const { stage, attempt, moves } = second;
    const results = [resultOf(0, 60), resultOf(1, 70)];
    const completed = progressOf(viewOf({ phase: 'completed', stage, attempt, results, moves, facts }));
    expect(completed).toMatchObject({ stepsDone: 130, stepsTotal: 130, percent: 100, roles: [] });
    expect(progressOf(viewOf(firstState, {}))).toMatchObject({ stepsDone: 0, stepsTotal: 0, percent: 0 });
  });
});
