import { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { describe, expect, test } from 'vitest';
import { compareCurves, compareRuns, differencesOf } from './compare-runs.js';
import { eventOf } from './event.js';
import { foldAll } from './run-history.js';

const history = (
  runId: string,
  ...validations: readonly (readonly [stage: number, step: number, accuracy: number])[]
) =>
  foldAll([
    eventOf({ run: { runId, phase: 'RUN_PHASE_COMPLETED', attempt: 1 }, number: 0 }),
    ...validations.map(([stage, step, accuracy], index) =>
      eventOf({
        evaluation: {
          participant: 'student',
          stage,
          evaluation: { step, validation: { metrics: { accuracy }, examples: 64 } },
        },
        number: index + 1,
      }),
    ),
  ]);

test('the stages of a run follow each other, and each run has a place for every step', () => {
  const curves = compareCurves([
    history('one', [0, 10, 0.5], [0, 20, 0.6], [1, 10, 0.7]),
    history('two', [0, 10, 0.4], [1, 10, 0.8]),
  ]);
  expect(curves).toEqual([
    {
      metric: expect.objectContaining({ name: 'accuracy' }),
      steps: [10, 20, 30],
      series: [
        { runId: 'one', learner: 'student', values: [0.5, 0.6, 0.7] },
        { runId: 'two', learner: 'student', values: [0.4, 0.8, undefined] },
      ],
    },
  ]);
});

test('only learners that are wanted are shown', () => {
  expect(compareCurves([history('one', [0, 10, 0.5])], ['teacher'])).toEqual([]);
});

const score = (accuracy: number) => ({ metrics: { nll: 0.5, accuracy }, examples: 64 });
const ended = (stage: number, accuracy: number) => ({
  stage,
  stageName: `generation-${stage}`,
  steps: 60,
  candidate: 'student',
  learners: ['teacher', 'student'].map((participant) => ({
    participant,
    best: {
      step: 50,
      validation: score(participant === 'student' ? accuracy : 0.99),
      test: score(accuracy - 0.1),
      params: { key: 'k', sha256: 's', bytes: 4000 },
    },
  })),
});
const spec = (seed: number, learningRate: number) =>
  JSON.stringify({
    ...{ name: `seed-${seed}`, seed, method: 'kd' },
    student: { model: { kind: 'resnet', depth: 8 }, learningRate },
    teacher: { model: { kind: 'resnet', depth: 20 }, learningRate: 0.05 },
  });
const run = (runId: string, members: object) => Run.fromJSON({ runId, phase: 'RUN_PHASE_COMPLETED', ...members });

const times = {
  createTime: '2026-01-01T00:00:00Z',
  updateTime: '2026-01-01T00:02:00Z',
  endTime: '2026-01-01T00:01:30Z',
};
const stages = [ended(0, 0.8), ended(1, 0.9), ended(2, 0.85)];
const whole = run('one', { ...times, spec: spec(1, 0.1), stages, bestStage: 1, stageCount: 3 });

describe('compared runs', () => {
  test('have the scores of the decisive learner in the best generation, and what it took', () => {
    expect(compareRuns([whole]).runs).toEqual([
      {
        runId: 'one',
        phase: 'completed',
        method: 'kd',
        seed: 1,
        models: { student: 'resnet, depth 8', teacher: 'resnet, depth 20' },
        result: {
          learner: 'student',
          stage: 'generation 1',
          validation: { accuracy: 0.9, nll: 0.5 },
          test: { accuracy: 0.8, nll: 0.5 },
          bytes: 4000,
        },
        steps: 180,
        seconds: 90,
      },
    ]);
  });

  test('have no result before a stage has ended, and the time of the last change before the end', () => {
    const { endTime: _, ...open } = times;
    const [young] = compareRuns([run('young', { ...open, progress: { stepsDone: 7 }, stageCount: 3 })]).runs;
    expect(young).toEqual({ runId: 'young', phase: 'completed', models: {}, steps: 7, seconds: 120 });
  });

  test('have the metrics of their results, the one that decides first', () => {
    expect(compareRuns([run('young', {}), whole]).metrics.map(({ name }) => name)).toEqual(['accuracy', 'nll']);
    expect(compareRuns([run('young', {})]).metrics).toEqual([]);
  });
});

describe('differences of specs', () => {
  test('are the settings that are not equal in all, by path, without the name', () => {
    expect(differencesOf([JSON.parse(spec(1, 0.1)), JSON.parse(spec(2, 0.1)), JSON.parse(spec(2, 0.2))])).toEqual([
      { path: 'seed', values: ['1', '2', '2'] },
      { path: 'student.learningRate', values: ['0.1', '0.1', '0.2'] },
    ]);
  });

  test('name a setting that one of them does not have', () => {
    expect(differencesOf([{ a: 1, b: { c: [] } }, { a: 1 }])).toEqual([{ path: 'b.c', values: ['[]', undefined] }]);
  });

  test('are not made by a spec that is not known', () => {
    expect(differencesOf([{ a: 1 }, undefined])).toEqual([]);
    expect(differencesOf([{ a: 1 }, undefined, { a: 2 }])).toEqual([{ path: 'a', values: ['1', undefined, '2'] }]);
  });
});
