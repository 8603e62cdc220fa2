import { expect, test } from 'vitest';
import { add, summary, tally } from './tally.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

test('counts tests over all files', () => {
  const report = { testResults: [file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed')] };
  expect(tally(report, 1)).toEqual({ passed: 3, failed: 1 });
});

test('a file that breaks before its first test is one failure', () => {
  expect(tally({ testResults: [file('passed', 'passed'), file('failed')] }, 1)).toEqual({ passed: 1, failed: 1 });
});

test('a file whose hook fails after passing tests is one failure', () => {
  expect(tally({ testResults: [file('failed', 'passed')] }, 1)).toEqual({ passed: 1, failed: 1 });
});

test.each(['pending', 'skipped', 'todo'])('a test that is %s did not pass', (status) => {
  expect(tally({ testResults: [file('passed', 'passed', status)] }, 0)).toEqual({ passed: 1, failed: 1 });
});

test('a suite without a single test fails', () => {
  expect(tally({ testResults: [] }, 0)).toEqual({ passed: 0, failed: 1 });
});

test('a suite that wrote no report fails', () => {
  expect(tally(undefined, 1)).toEqual({ passed: 0, failed: 1 });
});

test('an exit code that no test explains is one failure', () => {
  expect(tally({ testResults: [file('passed', 'passed')] }, 1)).toEqual({ passed: 1, failed: 1 });
});

test('suites add up to one line', () => {
  expect(summary(add({ passed: 2, failed: 0 }, { passed: 3, failed: 1 }))).toBe('5 passed, 1 failed');
});
