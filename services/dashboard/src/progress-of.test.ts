import { eventOf } from '@trikd/events/event';
import { foldAll } from '@trikd/events/run-history';
import { expect, test } from 'vitest';
import { progressOf } from './progress-of.js';

const run = (members: object) =>
  eventOf({
    run: {
      runId: 'tiny',
      phase: 'RUN_PHASE_TRAINING',
      generation: 1,
      spec: '{"curriculum":{"generations":4}}',
      generations: [{ generation: 0, steps: 100 }],
      progress: { stepsDone: 100, stepsTotal: 400, percent: 25 },
      ...members,
    },
  });
const progress = (role: string, nextStep: number, stepsPerSecond: number) =>
  eventOf({ progress: { role, generation: 1, totalSteps: 100, progress: { nextStep, stepsPerSecond } } });
const trained = [progress('ROLE_STUDENT', 20, 10), progress('ROLE_TEACHER', 16, 8)];

test('between two changes of a run, its progress is that of the slower trainer', () => {
  expect(progressOf(foldAll([run({}), ...trained]))).toEqual({
    stepsDone: 116,
    stepsTotal: 400,
    percent: 29,
    stepsPerSecond: 8,
    secondsRemaining: 35.5,
  });
});

test('a run that does not train is as far as it was told', () => {
  const paused = foldAll([
    ...trained,
    run({ phase: 'RUN_PHASE_PAUSED', progress: { stepsDone: 112, stepsTotal: 400 } }),
  ]);
  expect(progressOf(paused)).toMatchObject({ stepsDone: 112, stepsTotal: 400, stepsPerSecond: 0 });
});

test('nothing is known before the run was told of', () => {
  expect(progressOf(foldAll(trained))).toBeUndefined();
});
