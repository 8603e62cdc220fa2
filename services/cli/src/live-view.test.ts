import { Role } from '@trikd/protocol/gen/node/trikd/v1/common';
import { Run, RunPhase, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { describe, expect, test } from 'vitest';
import { liveView } from './live-view.js';
import { lineOf, newSummary, type RunSummary, withEvent } from './run-summary.js';

type Event = NonNullable<WatchRunResponse['event']>;

const score = (accuracy: number) => ({ accuracy, nll: 0.6, examples: 2000 });
const run = (
  generation: number,
  attempt: number,
  phase: RunPhase = RunPhase.RUN_PHASE_TRAINING,
  failure = '',
): Event => ({
  $case: 'run',
  value: Run.create({
    runId: 'trial',
    phase,
    generation,
    attempt,
    failure,
    anchor: generation === 0 ? undefined : { generation: generation - 1, validation: score(0.823), test: score(0.8) },
  }),
});
const progress = (role: Role, generation: number, nextStep: number): Event => ({
  $case: 'progress',
  value: {
    role,
    generation,
    totalSteps: 360,
    progress: {
      nextStep,
      terms: [
        { part: 'task', value: 0.4126 },
        { part: 'peer', value: 0.1 },
      ],
      stepsPerSecond: 12,
      waits: [{ peer: Role.ROLE_TEACHER, share: 0.254 }],
      batchAccuracy: 0.875,
      gradientNorm: 1,
      learningRate: 0.05,
    },
  },
});
const evaluation: Event = {
  $case: 'evaluation',
  value: {
    role: Role.ROLE_STUDENT,
    generation: 1,
    evaluation: { step: 90, validation: { accuracy: 0.792, nll: 0.6, examples: 2000 } },
  },
};
const summary = (...events: Event[]): RunSummary => events.reduce(withEvent, newSummary('trial', 3));

describe('liveView', () => {
  test('shows how the run stands and one line a role', () => {
    const committed: Event = { $case: 'committed', value: { generation: 1, step: 60, manifestKey: 'key' } };
    const told = summary(run(1, 2), progress(Role.ROLE_STUDENT, 1, 120), evaluation, committed);
    expect(liveView(told, 200)).toEqual([
      'trial · generation 1 (2 of 3) · training · attempt 2 · checkpoint at step 60 · at most 0:50 left',
      'student  step 120/360  task 0.413  peer 0.100  batch 87.5 %  validation 79.2 %  12.0 steps/s  waits teacher 25 %',
      'teacher  waiting for its first step',
      'anchor   the student of generation 0  validation 82.3 %  test 80.0 %',
    ]);
    expect(liveView(summary(run(0, 1)), 200).at(-1)).toBe('anchor   none in generation 0');
  });

  test('forgets what was said of the generation before', () => {
    const told = summary(run(0, 1), progress(Role.ROLE_STUDENT, 0, 360), run(1, 1, RunPhase.RUN_PHASE_PREPARING));
    expect(liveView(told, 200)[1]).toBe('student  waiting for its first step');
  });

  test('keeps every line within the terminal', () => {
    const told = summary(run(0, 1), progress(Role.ROLE_STUDENT, 0, 7));
    for (const columns of [1, 20, 80]) {
      for (const line of liveView(told, columns)) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  test('shows an alarm until the generation ends', () => {
    const alarm: Event = {
      $case: 'alarm',
      value: { role: Role.ROLE_TEACHER, generation: 0, alarm: { step: 50, message: 'the loss is ln 10' } },
    };
    expect(liveView(summary(run(0, 1), alarm), 80)).toContain('alarm: teacher, step 50: the loss is ln 10');
    expect(liveView(summary(run(0, 1), alarm, run(1, 1)), 80)).toHaveLength(4);
  });
});

describe('lineOf', () => {
  test('says nothing of progress, and something of everything else', () => {
    expect(lineOf(progress(Role.ROLE_STUDENT, 0, 1))).toBeUndefined();
    expect(lineOf(evaluation)).toEqual({
      event: 'evaluation',
      role: 'student',
      generation: 1,
      step: 90,
      accuracy: 0.792,
      nll: 0.6,
      examples: 2000,
    });
    expect(lineOf(run(2, 1, RunPhase.RUN_PHASE_FAILED, 'it diverged'))).toEqual({
      event: 'run',
      phase: 'failed',
      generation: 2,
      attempt: 1,
      failure: 'it diverged',
    });
  });
});
