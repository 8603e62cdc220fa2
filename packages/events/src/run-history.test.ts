import type { WatchRunResponse } from '@trikd/protocol/gen/browser/trikd/v1/run';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventOf, eventsIn } from './event.js';
import { MOST_ENTRIES } from './log.js';
import { emptyHistory, fold, foldAll, MOST_SLOW_STEPS, MOST_WINDOWS } from './run-history.js';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + 1000 * second).toISOString();

const currentStage = { name: 'generation-0', learners: ['student', 'teacher'] };
const training = { phase: 'RUN_PHASE_TRAINING', attempt: 1, currentStage };
const run = (members: object) => ({ run: { runId: 'tiny', ...training, ...members } });
const phase = (members: object) => ({ phaseChanged: { ...training, ...members } });
const ended = (result: object) => ({ stageEnded: { result } });
const moved = (move: object) => ({ anchorMoved: { move } });
const stalls = (...all: readonly object[]) => ({ stallsChanged: { stalls: all } });

const progress = (participant: string, stage: number, nextStep: number, value = 1) => ({
  progress: {
    participant,
    stage,
    totalSteps: 100,
    progress: {
      nextStep,
      terms: [{ part: 'task', value }],
      batchMetrics: { accuracy: 0.5 },
      stepsPerSecond: 10,
      gradientNorm: 1,
    },
  },
});

const evaluation = (participant: string, stage: number, step: number, accuracy: number) => ({
  evaluation: {
    participant,
    stage,
    evaluation: { step, validation: { metrics: { accuracy, nll: 1 }, examples: 64 } },
  },
});

const slowStep = (step: number, durationMs: number) => ({ slowStep: { step, durationMs, usualMs: 5, attempt: 1 } });

const numbered = (events: readonly object[]) =>
  events.map((event, index) => eventOf({ ...event, number: 2 * index + 1, time: at(index) }));

const anyStep = fc.integer({ min: 0, max: 60 });
const anyLearner = fc.constantFrom('teacher', 'student');
const anyStage = fc.integer({ min: 0, max: 2 });
const anyEvent: fc.Arbitrary<object> = fc.oneof(
  fc.tuple(anyLearner, anyStage, anyStep).map(([learner, stage, step]) => progress(learner, stage, step)),
  fc.tuple(anyLearner, anyStage, anyStep).map(([learner, stage, step]) => evaluation(learner, stage, step, 0.5)),
  fc.tuple(anyStage, anyStep).map(([stage, step]) => ({ committed: { stage, step } })),
  fc.tuple(anyStep, fc.integer({ min: 10, max: 99 })).map(([step, ms]) => slowStep(step, ms)),
  fc
    .constantFrom('RUN_PHASE_TRAINING', 'RUN_PHASE_PAUSED', 'RUN_PHASE_PROMOTING')
    .map((name) => phase({ phase: name })),
  anyStage.map((stage) => ended({ stage, steps: 60 })),
  anyStage.map((stage) => moved({ kind: 'ANCHOR_MOVE_KIND_RULE', stage, during: stage })),
  fc.constantFrom(stalls(), stalls({ by: 'student', on: 'store', reason: 'it is away' })),
  anyStep.map((firstStep) => ({ stepTimes: { firstStep, steps: 5, verdict: 'the teacher bounds the speed' } })),
);
const anyEvents = fc.array(anyEvent, { maxLength: 60 }).map(numbered);

describe('the fold', () => {
  test('of a beginning and then of the rest is that of all', () => {
    fc.assert(
      fc.property(anyEvents, fc.nat(), (events, where) => {
        const cut = events.length === 0 ? 0 : where % events.length;
        const beginning = foldAll(events.slice(0, cut));
        expect(foldAll(events.slice(cut), structuredClone(beginning))).toEqual(foldAll(events));
      }),
    );
  });

  test('of events that come again changes nothing', () => {
    fc.assert(
      fc.property(anyEvents, fc.nat(), fc.nat(), (events, from, to) => {
        const all = foldAll(events);
        expect(foldAll(events.slice(from % (events.length + 1), to % (events.length + 1)), all)).toEqual(all);
      }),
    );
  });

  test('passes over an event of a kind that is not known', () => {
    expect(fold(emptyHistory, eventOf({ somethingNew: {}, number: 0 }))).toEqual(emptyHistory);
  });
});

describe('the history', () => {
  test('has the run as it is, with the spec that only the snapshot has', () => {
    const events = [eventOf(run({ spec: '{"name":"tiny"}' })), ...numbered([phase({ stage: 1, attempt: 2 })])];
    expect(foldAll(events).run).toMatchObject({ spec: '{"name":"tiny"}', stage: 1, attempt: 2 });
  });

  test('does not go back to an older state when old events are read', () => {
    const present = eventOf(run({ stage: 3, updateTime: at(9) }));
    const past = numbered([phase({ stage: 0, updateTime: at(1) }), phase({ stage: 1, updateTime: at(2) })]);
    expect(foldAll([present, ...past]).run?.stage).toBe(3);
  });

  const results = [0, 1, 2].map((stage) => ({ stage, steps: 100 }));
  const moves = [0, 1].map((during) => ({ kind: 'ANCHOR_MOVE_KIND_RULE', stage: 0, during, time: at(during) }));
  const changes = [ended(results[0]!), moved(moves[0]!), ended(results[1]!), moved(moves[1]!), ended(results[2]!)];

  test.each([
    ['phases', []],
    ['a snapshot with some of them', [eventOf(run({ stages: results.slice(0, 1), anchorMoves: moves.slice(0, 1) }))]],
  ])('has each result and move of the anchor once after %s, though a new leader repeats the last', (_, before) => {
    const repeated = [...changes.slice(0, 4), changes[2]!, changes[3]!, phase({}), changes[4]!];
    const { run: known, log } = foldAll([...before, ...numbered([phase({}), ...repeated])]);
    expect(known?.stages.map(({ stage }) => stage)).toEqual([0, 1, 2]);
    expect(known?.anchorMoves.map(({ during }) => during)).toEqual([0, 1]);
    const kinds = log.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'result')).toHaveLength(3);
    expect(kinds.filter((kind) => kind === 'anchor')).toHaveLength(2);
  });

  test('counts no steps of an attempt that is over for the present one', () => {
    const snapshot = eventOf(
      run({ attempt: 2, updateTime: at(9), progress: { stepsDone: 3, stepsTotal: 100 }, spec: '{}' }),
    );
    const learners = ['student', 'teacher'];
    const past = numbered([phase({ updateTime: at(1) }), ...learners.map((learner) => progress(learner, 0, 50))]);
    expect(foldAll([snapshot, ...past]).run?.progress).toMatchObject({ stepsDone: 3, roles: [] });
    const present = [phase({ attempt: 2, updateTime: at(2) }), ...learners.map((learner) => progress(learner, 0, 7))];
    const later = numbered([phase({}), {}, {}, ...present]);
    expect(foldAll([snapshot, ...past, ...later]).run?.progress).toMatchObject({ stepsDone: 7, percent: 7 });
  });

  test('has the alarm of a stage until it begins again', () => {
    const alarm = {
      alarm: { participant: 'student', stage: 0, alarm: { step: 50, message: 'the loss is ln 10' } },
    };
    const alarmed = numbered([phase({}), alarm, phase({ phase: 'RUN_PHASE_PROMOTING' })]);
    expect(foldAll(alarmed).stages[0]?.alarm?.alarm?.step).toBe(50);
    const again = numbered([{}, {}, {}, phase({ phase: 'RUN_PHASE_PREPARING', attempt: 2 })]);
    expect(foldAll([...alarmed, ...again]).stages[0]).not.toHaveProperty('alarm');
  });

  test('has the curves of each learner and stage', () => {
    const events = numbered([
      progress('student', 0, 1, 2.5),
      progress('teacher', 0, 1, 2),
      evaluation('student', 0, 1, 0.25),
      progress('student', 1, 1, 2.25),
    ]);
    const { stages } = foldAll(events);
    expect(stages.map(({ stage, totalSteps }) => [stage, totalSteps])).toEqual([
      [0, 100],
      [1, 100],
    ]);
    expect(stages[0]?.learners['student']?.training.points[0]?.values).toMatchObject({ task: 2.5, accuracy: 0.5 });
    expect(stages[0]?.learners['student']?.validation.points[0]).toMatchObject({
      step: 1,
      values: { accuracy: 0.25, nll: 1 },
    });
    expect(stages[0]?.learners['teacher']?.validation.points).toEqual([]);
  });

  test('forgets what a stage had learned when it begins anew', () => {
    const before = [1, 2, 3, 4].flatMap((step) => [progress('student', 0, step), evaluation('student', 0, step, 0.5)]);
    const { stages } = foldAll(numbered([...before, progress('student', 0, 2)]));
    const { training, validation } = stages[0]!.learners['student']!;
    expect(training.points.map(({ step }) => step)).toEqual([1, 2]);
    expect(validation.points.map(({ step }) => step)).toEqual([1, 2]);
  });

  test('is bounded however long the run', () => {
    const many = Array.from({ length: 3000 }, (_, index) => [
      { committed: { stage: 0, step: index } },
      { stepTimes: { firstStep: index, steps: 1 } },
      slowStep(index, 10 + (index % 97)),
    ]).flat();
    const { log, windows, slowSteps } = foldAll(numbered(many));
    expect(log).toHaveLength(MOST_ENTRIES);
    expect(windows.kept.length).toBeLessThanOrEqual(MOST_WINDOWS);
    expect(windows.kept.length).toBeGreaterThan(MOST_WINDOWS / 4);
    expect(windows.newest?.firstStep).toBe(2999);
    expect(slowSteps).toHaveLength(MOST_SLOW_STEPS);
    expect(slowSteps.every(({ durationMs }) => durationMs === 106)).toBe(true);
  });
});

describe('the log', () => {
  const texts = (events: readonly WatchRunResponse[]) =>
    foldAll(events).log.map(({ text, tone }) => `${tone}: ${text}`);

  test('distinguishes a promotion, an override and a rollback', () => {
    const moves = [
      { kind: 'ANCHOR_MOVE_KIND_RULE', stage: 0, during: 0 },
      { kind: 'ANCHOR_MOVE_KIND_ROLLBACK', stage: 0, during: 2 },
      { kind: 'ANCHOR_MOVE_KIND_OVERRIDE', stage: 1, during: 2 },
    ];
    const events = numbered([phase({}), ...moves.map(moved)]);
    expect(texts(events).slice(1)).toEqual([
      'good: the student of generation 0 became the anchor',
      'warning: the student of generation 0 became the anchor again by a rollback',
      'warning: the student of generation 1 became the anchor by an override',
    ]);
  });

  test('says why a run failed and what it waited for', () => {
    const stall = { by: 'student', on: 'store', reason: 'it answers nobody' };
    const failed = phase({ phase: 'RUN_PHASE_FAILED', failure: 'the loss is not finite' });
    expect(texts(numbered([phase({}), stalls(stall), stalls(stall), stalls(), failed]))).toEqual([
      'plain: training generation 0',
      'warning: the student waits for the store: it answers nobody',
      'bad: the run failed: the loss is not finite',
    ]);
  });

  test('has each line once, though a snapshot comes with every connection', () => {
    const events = [eventOf(run({})), ...numbered([phase({})]), eventOf(run({}))];
    expect(texts(events)).toEqual(['plain: training generation 0']);
  });

  test('drops what every epoch brings before what happens once', () => {
    const commits = Array.from({ length: 2 * MOST_ENTRIES }, (_, step) => ({ committed: { stage: 0, step } }));
    expect(texts(numbered([phase({}), ...commits]))[0]).toBe('plain: training generation 0');
  });
});

test('the lines of a file are events, but for one that is not whole', () => {
  const lines = `${JSON.stringify({ ...run({}), number: 1 })}\n\n{"committed":{"st`;
  expect(eventsIn(lines).map(({ number, event }) => [number, event?.$case])).toEqual([[1, 'run']]);
});
