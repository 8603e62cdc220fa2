import { TrikdError } from '@trikd/core/domain/errors';
import type { Role } from '@trikd/core/domain/position';
import type { RunEvent } from '@trikd/core/run/run-event';
import type { ProcessUsage, RoleStep } from '@trikd/core/timing/role-step';
import { seedOf, traceIdOf } from '@trikd/core/timing/trace-ids';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import type { StepLink } from '../ports.js';
import { followSteps } from './follow-steps.js';

const BOTH = ['teacher', 'student'] as const;
const attempt = { runId: 'r', stage: 1, attempt: 2 };
const seed = seedOf('r', 'now');

/** The more steps, the more CPU time. */
const usageAfter = (steps: number): ProcessUsage => ({
  ...{ uptimeSeconds: 10 + steps, cpuSeconds: steps, memoryBytes: 5e6, peakMemoryBytes: 6e6 },
});

/** A model that has done some steps, and reports three of them at a time. */
function model(role: Role, durations: readonly number[], refuses = false) {
  const traced: number[] = [];
  const steps = durations.map(
    (duration, step): RoleStep => ({ role, step, started: 1000 * step, duration, phases: [] }),
  );
  const link: StepLink = {
    role,
    read: async (of, from) => {
      expect(of).toEqual(attempt);
      if (refuses) throw new TrikdError('unavailable', 'away');
      return { steps: steps.slice(from, from + 3), usage: usageAfter(from) };
    },
    trace: async (_of, wanted) => void traced.push(...wanted),
  };
  return { link, traced };
}

async function follow(links: readonly StepLink[], everySteps: number, wanted: number[] = []) {
  const emitted: RunEvent[] = [];
  const roots: number[] = [];
  const over = new AbortController();
  const clock = virtualClock();
  const traced = (_attempt: unknown, _seed: string, { step }: { readonly step: number }) => void roots.push(step);
  const emit = (event: RunEvent) => void emitted.push(event);
  const ports = { trainers: BOTH, tracing: { seed, everySteps }, clock, wanted, emit };
  const done = followSteps(attempt, ports, { links, look: 3, traced }, over.signal);
  await clock.advance(3000);
  over.abort();
  await done;
  return { emitted, roots };
}

const usual = Array.from({ length: 12 }, () => 20);
const slow = usual.with(9, 300);

test('the times of steps, and the slow one, are emitted; its spans are requested', async () => {
  const [teacher, student] = [model('teacher', slow), model('student', slow)];
  const { emitted, roots } = await follow([teacher.link, student.link], 5);
  expect(emitted).toMatchObject([
    { kind: 'step-times', stage: 1, attempt: 2, firstStep: 0, steps: 12 },
    { kind: 'slow-step', step: 9, duration: 300, usual: 20, traceId: traceIdOf(seed, { ...attempt, step: 9 }) },
  ]);
  // The last one, as always at the end.
  expect([teacher.traced, student.traced]).toEqual([
    [9, 11],
    [9, 11],
  ]);
  expect(roots).toEqual([0, 5, 10, 9, 11]);
});

test('the times of a role say what its process had used by then', async () => {
  const { emitted } = await follow([model('teacher', usual).link, model('student', usual).link], 0);
  const usage = usageAfter(usual.length);
  expect(emitted).toMatchObject([
    {
      kind: 'step-times',
      roles: [
        { role: 'teacher', usage },
        { role: 'student', usage },
      ],
    },
  ]);
});

test('a model that is away is left out of the times', async () => {
  const { emitted } = await follow(
    [model('teacher', usual).link, model('student', usual).link, model('anchor', [], true).link],
    0,
  );
  expect(emitted).toMatchObject([{ kind: 'step-times', roles: [{ role: 'teacher' }, { role: 'student' }] }]);
});

test('nothing is emitted while a trainer is away', async () => {
  const { emitted } = await follow([model('teacher', usual).link, model('student', [], true).link], 1);
  expect(emitted).toEqual([]);
});

test('steps that are wanted are traced once, and unknown ones are ignored', async () => {
  const [teacher, student] = [model('teacher', usual), model('student', usual)];
  const { roots } = await follow([teacher.link, student.link], 0, [4, 4, 99]);
  expect(teacher.traced).toEqual([4, 11]);
  expect(roots).toEqual([4, 11]);
});
