import { describe, expect, test } from 'vitest';
import type { Role } from '../domain/position.js';
import type { PhaseKind, RoleStep } from './role-step.js';
import { slowestStep, trioSteps } from './slow-steps.js';
import { spreadOf, stepTimes } from './step-times.js';

const BOTH = ['teacher', 'student'] as const;

type Part = readonly [kind: PhaseKind, duration: number, peer?: Role];

/** Steps of one role that follow each other, each of the same parts. */
function stepsOf(role: Role, parts: readonly Part[], { count = 10, first = 0, between = 0 } = {}): RoleStep[] {
  const duration = parts.reduce((sum, [, length]) => sum + length, 0);
  return Array.from({ length: count }, (_, index) => {
    let offset = 0;
    const phases = parts.map(([kind, length, peer]) => {
      const phase = { kind, ...(peer && { peer }), offset, duration: length };
      offset += length;
      return phase;
    });
    return { role, step: first + index, started: 1000 + index * (duration + between), duration, phases };
  });
}

const busy = (role: Role, peer: Role, wait: number, work: number) =>
  stepsOf(role, [
    ['forward', 0.3 * work],
    ['wait', wait, peer],
    ['backward', 0.7 * work],
  ]);

describe('the times of steps', () => {
  test('say how times are spread', () => {
    expect(spreadOf([5, 1, 3, 2, 4])).toEqual({ p50: 3, p95: 5, max: 5, mean: 3 });
    expect(spreadOf([])).toEqual({ p50: 0, p95: 0, max: 0, mean: 0 });
  });

  test('are shares of the whole time, what lies between steps included', () => {
    const times = stepTimes(
      stepsOf(
        'student',
        [
          ['forward', 20],
          ['backward', 20],
        ],
        { count: 3, between: 30 },
      ),
    )!;
    expect(times).toMatchObject({ firstStep: 0, steps: 3 });
    const [student] = times.roles;
    expect(student!.between).toMatchObject({ p50: 30, max: 30 });
    expect(student!.phases.map(({ kind, share }) => [kind, Number(share.toFixed(3))])).toEqual([
      ['forward', 0.333],
      ['backward', 0.333],
    ]);
  });

  test('leave out what the anchor did ahead', () => {
    const times = stepTimes([
      ...busy('student', 'teacher', 1, 9),
      ...stepsOf('anchor', [['forward', 2]], { count: 20 }),
    ])!;
    expect(times.steps).toBe(10);
    expect(times.roles.map(({ role }) => role)).toEqual(['student', 'anchor']);
  });

  test('are none without a trainer', () => {
    expect(stepTimes(stepsOf('anchor', [['forward', 2]]))).toBeUndefined();
  });
});

describe('the verdict', () => {
  const verdict = (...roles: readonly (readonly RoleStep[])[]) => stepTimes(roles.flat())!.verdict;

  test('names the one that is waited for, and what it does', () => {
    expect(verdict(busy('teacher', 'student', 0, 100), busy('student', 'teacher', 40, 60))).toBe(
      'the student waits 40 % of its time for the teacher: losses, backward pass and update take 70 % of the teacher’s time',
    );
  });

  test('names the anchor', () => {
    const anchor = stepsOf('anchor', [
      ['data', 10],
      ['forward', 90],
    ]);
    expect(verdict(busy('teacher', 'anchor', 50, 50), busy('student', 'anchor', 45, 55), anchor)).toBe(
      'the teacher waits 50 % of its time for the anchor: the forward pass takes 90 % of the anchor’s time',
    );
  });

  test('finds what lies between two that wait for each other', () => {
    expect(verdict(busy('teacher', 'student', 30, 70), busy('student', 'teacher', 40, 60))).toBe(
      'the student waits 40 % of its time for the teacher, which waits 30 % for it: the connection between them limits the speed',
    );
  });

  test('names the one that waits much less than it is waited for', () => {
    expect(verdict(busy('teacher', 'student', 25, 75), busy('student', 'teacher', 80, 20))).toMatch(
      /^the student waits 80 % of its time for the teacher: losses, backward pass and update take/,
    );
  });

  test('says when no role waits for long', () => {
    expect(verdict(busy('teacher', 'student', 2, 98), busy('student', 'teacher', 5, 95))).toMatch(
      /^no role waits for long, 5 % at most: losses, backward pass and update take 69 % of the teacher’s time; /,
    );
  });

  test('sees a pause between steps', () => {
    expect(verdict(stepsOf('teacher', [['backward', 60]], { between: 40, count: 1000 }))).toBe(
      'the teacher spends 40 % of its time between steps: reporting, validating, saving or waiting at the limit',
    );
  });
});

describe('a slow step', () => {
  const both = (durations: readonly number[]) =>
    durations.flatMap((duration, step) =>
      BOTH.map((role, late) => ({
        role,
        step,
        started: 1000 * step + late,
        duration: duration - late,
        phases: [],
      })),
    );

  test('is the slowest, where it took more than twice as long as half of the others', () => {
    const steps = trioSteps(both([20, 21, 22, 20, 90, 20, 100, 21, 20, 19]), BOTH);
    expect(slowestStep(steps, 0)).toMatchObject({ step: 6, duration: 100, usual: 20 });
    expect(slowestStep(steps, 7)).toBeUndefined();
  });

  test('is none among steps of a few milliseconds, which vary by themselves', () => {
    expect(slowestStep(trioSteps(both([2, 2, 2, 2, 2, 2, 2, 2, 9, 2]), BOTH), 0)).toBeUndefined();
  });

  test('is none without neighbours', () => {
    expect(slowestStep(trioSteps(both([20, 100]), BOTH), 0)).toBeUndefined();
  });

  test('is of both trainers', () => {
    expect(
      trioSteps(
        both([20, 20]).filter(({ role }) => role === 'student'),
        BOTH,
      ),
    ).toEqual([]);
  });
});
