import { eventOf } from '@trikd/events/event';
import { foldAll } from '@trikd/events/run-history';
import { describe, expect, test } from 'vitest';
import { recordOf } from './event-record.js';
import { terminalView } from './terminal-view.js';

const score = (accuracy: number) => ({ metrics: { accuracy, nll: 0.6 }, examples: 2000 });
const stands = (generation: number, attempt: number, phase = 'RUN_PHASE_TRAINING') => ({
  ...{ phase, generation, attempt },
  ...(generation > 0 && { anchor: { generation: generation - 1, validation: score(0.823), test: score(0.8) } }),
  progress: { stepsDone: 360 * generation, stepsTotal: 1080 },
});
const run = (generation: number, attempt: number) => ({
  run: {
    ...{ runId: 'trial', spec: '{"curriculum":{"generations":3}}', ...stands(generation, attempt) },
    generations: Array.from({ length: generation }, (_, ended) => ({ generation: ended, steps: 360 })),
  },
});
const phase = (generation: number, attempt: number, name?: string) => ({
  phaseChanged: stands(generation, attempt, name),
});
const progress = (role: string, generation: number, nextStep: number) => ({
  progress: {
    ...{ role, generation, totalSteps: 360 },
    progress: {
      nextStep,
      terms: [
        { part: 'task', value: 0.4126 },
        { part: 'peer', value: 0.1 },
      ],
      stepsPerSecond: 12,
      waits: [
        { peer: 'ROLE_ANCHOR', share: 0.01 },
        { peer: 'ROLE_TEACHER', share: 0.254 },
      ],
      batchMetrics: { accuracy: 0.875 },
    },
  },
});
const evaluation = {
  evaluation: { role: 'ROLE_STUDENT', generation: 1, evaluation: { step: 90, validation: score(0.792) } },
};
const viewOf = (events: readonly object[], columns = 200) =>
  terminalView(foldAll(events.map((event, number) => eventOf({ ...event, number }))), columns);

describe('terminalView', () => {
  test('shows the state of the run and one line per role', () => {
    const committed = { committed: { generation: 1, step: 60, manifestKey: 'key' } };
    const events = [run(1, 2), progress('ROLE_STUDENT', 1, 120), evaluation, committed];
    expect(viewOf(events)).toEqual([
      'trial · generation 1 (2 of 3) · training · attempt 2 · checkpoint at step 60',
      'student  step 120/360  task 0.413  peer 0.100  batch 87.5 %  validation 79.2 %  12.0 steps/s  waits teacher 25 % anchor 1 %',
      'teacher  waiting for its first step',
      'anchor   the student of generation 0  validation 82.3 %  test 80.0 %',
    ]);
    expect(viewOf([...events, progress('ROLE_TEACHER', 1, 120)])[0]).toMatch(/ · at most 0:50 left$/);
    expect(viewOf([run(0, 1)]).at(-1)).toBe('anchor   none in generation 0');
  });

  test('shows nothing of the generation before', () => {
    const events = [run(0, 1), progress('ROLE_STUDENT', 0, 360), phase(1, 1, 'RUN_PHASE_PREPARING')];
    expect(viewOf(events)[1]).toBe('student  waiting for its first step');
  });

  test('keeps every line within the terminal', () => {
    for (const columns of [1, 20, 80]) {
      const lines = viewOf([run(0, 1), progress('ROLE_STUDENT', 0, 7)], columns);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  test('shows an alarm until the generation ends', () => {
    const alarm = { alarm: { role: 'ROLE_TEACHER', generation: 0, alarm: { step: 50, message: 'the loss is ln 10' } } };
    expect(viewOf([run(0, 1), alarm])).toContain('alarm: the teacher, at step 50: the loss is ln 10');
    expect(viewOf([run(0, 1), alarm, phase(1, 1, 'RUN_PHASE_PREPARING')])).toHaveLength(4);
  });
});

describe('recordOf', () => {
  const record = (json: object) => recordOf(eventOf(json).event!);

  test('is nothing for progress, and something for other events', () => {
    expect(record(progress('ROLE_STUDENT', 0, 1))).toBeUndefined();
    expect(record(evaluation)).toEqual({
      ...{ event: 'evaluation', role: 'student', generation: 1, step: 90 },
      ...{ accuracy: 0.792, nll: 0.6, examples: 2000 },
    });
    const failed = { phase: 'RUN_PHASE_FAILED', generation: 2, attempt: 1, failure: 'it diverged' };
    expect(record({ phaseChanged: failed })).toEqual({ event: 'run', ...failed, phase: 'failed' });
    const student = { validation: score(0.5), test: score(0.25) };
    expect(record({ generationEnded: { result: { generation: 1, steps: 9, promoted: true, student } } })).toMatchObject(
      {
        ...{ event: 'generation-ended', generation: 1, steps: 9, promoted: true },
        student: { validation: 0.5, test: 0.25 },
      },
    );
    expect(record({ anchorMoved: { move: { kind: 'ANCHOR_MOVE_KIND_RULE', generation: 1, during: 1 } } })).toEqual({
      ...{ event: 'anchor-moved', by: 'rule', generation: 1, during: 1 },
    });
  });
});
