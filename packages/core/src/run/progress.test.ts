import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { placementOfNew } from './placement.js';
import { progressOf } from './progress.js';
import type { RoleProgressed } from './run-event.js';
import type { RunView } from './run-view.js';
import { firstState, type GenerationResult, type RunState } from './state.js';

const curriculum = { generations: 3 };
const spec = specFor('bare', { epochs: 10, curriculum });
const model = { kind: 'plain-cnn', channels: [4] };
const ofTeacher = {
  ...{ name: 'trial', data: { kind: 'synthetic' }, epochs: 8, warmupSteps: 0, method: 'eskd' },
  ...{ student: { model }, teacher: { model } },
};
const sha256 = 'a'.repeat(64);
const facts = { datasetDigest: sha256, classes: 4, totalSteps: 100, stepsPerEpoch: 10 };
const resultOf = (generation: number, steps: number): GenerationResult => {
  const validation = { metrics: { accuracy: 0.5, nll: 1 }, examples: 8 };
  const best = { step: steps, validation, params: { key: 'p', sha256, bytes: 8 } };
  const learner = { best, stateSha256: sha256 };
  const learners = { student: learner, teacher: learner };
  const pair = { step: steps, manifestKey: 'm' };
  return { generation, steps, learners, candidate: 'student', promoted: true, pair };
};
const trained = (participant: string, nextStep: number, stepsPerSecond: number): RoleProgressed => ({
  ...{ kind: 'progress', participant, generation: 1, totalSteps: 100 },
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
const second = { ...firstState, facts, generation: 1, results: [resultOf(0, 60)] };

test('a run counts what both roles have trained, over what the curriculum can still take', () => {
  // Generation 0 converged after 60 steps; two more of 100 can follow.
  expect(progressOf(viewOf({ ...second, phase: 'training' }))).toMatchObject({
    ...{ stepsDone: 110, stepsTotal: 260, stepsPerSecond: 10, secondsRemaining: 15 },
    percent: expect.closeTo(42.3, 1),
  });
});

test('a run counts what its only learner has trained, and each stage by its own epochs', () => {
  const facts = { datasetDigest: sha256, classes: 4, totalSteps: 20, stepsPerEpoch: 10 };
  const state: RunState = { ...firstState, phase: 'training', facts };
  const live = { progress: { teacher: { ...trained('teacher', 15, 5), generation: 0 } } };
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
  const { generation, attempt, moves } = second;
  const results = [resultOf(0, 60), resultOf(1, 70)];
  const completed = progressOf(viewOf({ phase: 'completed', generation, attempt, results, moves, facts }));
  expect(completed).toMatchObject({ stepsDone: 130, stepsTotal: 130, percent: 100, roles: [] });
  expect(progressOf(viewOf(firstState, {}))).toMatchObject({ stepsDone: 0, stepsTotal: 0, percent: 0 });
});
