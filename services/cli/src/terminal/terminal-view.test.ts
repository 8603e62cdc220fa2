import { eventOf } from '@trikd/events/event';
import { foldAll } from '@trikd/events/run-history';
import { describe, expect, test } from 'vitest';
import { recordOf } from './display.js';
import { terminalView } from './terminal-view.js';

const score = (accuracy: number) => ({ metrics: { accuracy, nll: 0.6 }, examples: 2000 });
const stageOf = (stage: number) => ({
  ...{ name: `generation-${stage}`, learners: ['student', 'teacher'], decisive: 'student' },
  frozen: stage > 0 ? ['anchor'] : [],
});
const stands = (stage: number, attempt: number, phase = 'RUN_PHASE_TRAINING') => ({
  ...{ phase, stage, attempt, currentStage: stageOf(stage) },
  ...(stage > 0 && { anchor: { stage: stage - 1, validation: score(0.823), test: score(0.8) } }),
  progress: { stepsDone: 360 * stage, stepsTotal: 1080 },
});
const run = (stage: number, attempt: number) => ({
  run: {
    ...{ runId: 'trial', stageCount: 3, ...stands(stage, attempt) },
    stages: Array.from({ length: stage }, (_, ended) => ({ stage: ended, steps: 360 })),
  },
});
const phase = (stage: number, attempt: number, name?: string) => ({
  phaseChanged: stands(stage, attempt, name),
});
const progress = (participant: string, stage: number, nextStep: number) => ({
  progress: {
    ...{ participant, stage, totalSteps: 360 },
    progress: {
      nextStep,
      terms: [
        { part: 'task', value: 0.4126 },
        { part: 'teacher', value: 0.1 },
      ],
      stepsPerSecond: 12,
      waits: [
        { participant: 'anchor', share: 0.01 },
        { participant: 'teacher', share: 0.254 },
      ],
      batchMetrics: { accuracy: 0.875 },
    },
  },
});
const evaluation = {
  evaluation: { participant: 'student', stage: 1, evaluation: { step: 90, validation: score(0.792) } },
};
const viewOf = (events: readonly object[], columns = 200) =>
  terminalView(foldAll(events.map((event, number) => eventOf({ ...event, number }))), columns);

describe('terminalView', () => {
  test('shows the state of the run and one line per role', () => {
    const committed = { committed: { stage: 1, step: 60, manifestKey: 'key' } };
    const events = [run(1, 2), progress('student', 1, 120), evaluation, committed];
    expect(viewOf(events)).toEqual([
      'trial · generation 1 (2 of 3) · training · attempt 2 · checkpoint at step 60',
      'student  step 120/360  task 0.413  teacher 0.100  batch 87.5 %  validation 79.2 %  12.0 steps/s  waits teacher 25 % anchor 1 %',
      'teacher  waiting for its first step',
      'anchor   the student of generation 0  validation 82.3 %  test 80.0 %',
    ]);
    expect(viewOf([...events, progress('teacher', 1, 120)])[0]).toMatch(/ · at most 0:50 left$/);
    expect(viewOf([run(0, 1)]).at(-1)).toBe('anchor   none in generation 0');
  });

  test('shows the models that another method has in its stage', () => {
    const currentStage = {
      name: 'assistant-1',
      learners: ['assistant-1'],
      frozen: ['teacher'],
      decisive: 'assistant-1',
    };
    const event = {
      run: { runId: 'trial', phase: 'RUN_PHASE_TRAINING', stage: 1, attempt: 1, currentStage, stageCount: 3 },
    };
    expect(viewOf([event])).toEqual([
      'trial · stage assistant-1 (2 of 3) · training',
      'assistant-1  waiting for its first step',
      'teacher      frozen',
    ]);
  });

  test('shows nothing of the stage before', () => {
    const events = [run(0, 1), progress('student', 0, 360), phase(1, 1, 'RUN_PHASE_PREPARING')];
    expect(viewOf(events)[1]).toBe('student  waiting for its first step');
  });

  test('keeps every line within the terminal', () => {
    for (const columns of [1, 20, 80]) {
      const lines = viewOf([run(0, 1), progress('student', 0, 7)], columns);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  test('shows an alarm until the stage ends', () => {
    const alarm = {
      alarm: { participant: 'teacher', stage: 0, alarm: { step: 50, message: 'the loss is ln 10' } },
    };
    expect(viewOf([run(0, 1), alarm])).toContain('alarm: the teacher, at step 50: the loss is ln 10');
    expect(viewOf([run(0, 1), alarm, phase(1, 1, 'RUN_PHASE_PREPARING')])).toHaveLength(4);
  });
});

describe('recordOf', () => {
  const record = (json: object) => recordOf(eventOf(json).event!);

  test('is nothing for progress, and something for other events', () => {
    expect(record(progress('student', 0, 1))).toBeUndefined();
    expect(record(evaluation)).toEqual({
      ...{ event: 'evaluation', role: 'student', stage: 1, step: 90 },
      ...{ accuracy: 0.792, nll: 0.6, examples: 2000 },
    });
    const failed = { phase: 'RUN_PHASE_FAILED', stage: 2, attempt: 1, failure: 'it diverged' };
    expect(record({ phaseChanged: failed })).toEqual({ event: 'run', ...failed, phase: 'failed' });
    const learners = [{ participant: 'student', best: { validation: score(0.5), test: score(0.25) } }];
    expect(record({ stageEnded: { result: { stage: 1, steps: 9, promoted: true, learners } } })).toMatchObject({
      ...{ event: 'stage-ended', stage: 1, steps: 9, promoted: true },
      student: { validation: 0.5, test: 0.25 },
    });
    expect(record({ anchorMoved: { move: { kind: 'ANCHOR_MOVE_KIND_RULE', stage: 1, during: 1 } } })).toEqual({
      ...{ event: 'anchor-moved', by: 'rule', stage: 1, during: 1 },
    });
  });
});
