import { addWindow, emptyWindows } from '@trikd/events/run-history';
import { Role } from '@trikd/protocol/gen/browser/trikd/v1/common';
import { StepTimes } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { expect, test } from 'vitest';
import { usageOf } from './usage-of.js';

const usage = (uptimeSeconds: number, cpuSeconds: number, memoryBytes: number, peakMemoryBytes = memoryBytes) => ({
  ...{ uptimeSeconds, cpuSeconds, memoryBytes, peakMemoryBytes },
});

const windowOf = (roles: readonly object[]) => StepTimes.fromJSON({ stage: 0, attempt: 1, steps: 5, roles });
const student = (used: object) => windowOf([{ role: 'ROLE_STUDENT', usage: used }]);
const windows = (...all: readonly StepTimes[]) => all.reduce(addWindow, emptyWindows);

test('cores are CPU time over time between two reports; the first counts from the start of the process', () => {
  const [role] = usageOf(windows(student(usage(10, 5, 100)), student(usage(20, 35, 300)), student(usage(24, 36, 200))));
  expect(role).toEqual({
    role: Role.ROLE_STUDENT,
    points: [
      { cores: 0.5, memoryBytes: 100 },
      { cores: 3, memoryBytes: 300 },
      { cores: 0.25, memoryBytes: 200 },
    ],
    peakMemoryBytes: 300,
  });
});

test('a process that was started again counts from its own start', () => {
  const [role] = usageOf(windows(student(usage(100, 300, 1)), student(usage(4, 2, 1))));
  expect(role?.points.map(({ cores }) => cores)).toEqual([3, 0.5]);
});

test('cores are right although windows are left out of a long run', () => {
  const many = Array.from({ length: 200 }, (_, index) => student(usage(index + 1, 2 * (index + 1), 7)));
  const [role] = usageOf(windows(...many));
  expect(new Set(role?.points.map(({ cores }) => cores))).toEqual(new Set([2]));
  expect(role?.points.length).toBeLessThanOrEqual(65);
});

test('roles that report nothing are left out', () => {
  expect(usageOf(windows(windowOf([{ role: 'ROLE_TEACHER' }])))).toEqual([]);
});
