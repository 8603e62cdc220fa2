import { expect, test } from 'vitest';
import { add, failures, fileTimes, summary, tally, timeTable } from './tally.ts';

const file = (status: string, ...tests: string[]) => ({
  name: '/src/a.test.ts',
  status,
  startTime: 1_000,
  endTime: 3_500,
  message: status === 'failed' ? 'Error: no such module' : '',
  assertionResults: tests.map((each, index) => ({
    status: each,
    fullName: `test ${index}`,
    failureMessages: each === 'failed' ? ['AssertionError: expected 1 to be 2'] : [],
  })),
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

test('a failed test is named with its file and its message', () => {
  expect(failures({ testResults: [file('failed', 'passed', 'failed')] })).toEqual([
    '/src/a.test.ts > test 1 (failed): AssertionError: expected 1 to be 2',
  ]);
});

test('a file that broke is named with the reason', () => {
  expect(failures({ testResults: [file('failed')] })).toEqual(['/src/a.test.ts: Error: no such module']);
});

test('of a long message the first lines are kept', () => {
  const long = { ...file('failed'), message: Array.from({ length: 99 }, (_, line) => `line ${line}`).join('\n') };
  expect(failures({ testResults: [long] })[0]!.split('\n')).toHaveLength(12);
});

test('the time of a file is that from its first test to its last, and its path is as from the folder', () => {
  expect(fileTimes('unit', { testResults: [file('passed', 'passed')] }, '/src')).toEqual([
    { name: 'unit: a.test.ts', milliseconds: 2_500 },
  ]);
  expect(fileTimes('unit', undefined, '/src')).toEqual([]);
});

test('times are aligned: suites in their order, then the ten slowest files', () => {
  const suites = [
    { name: 'check', milliseconds: 9_940 },
    { name: 'unit', milliseconds: 123_456 },
  ];
  const files = Array.from({ length: 12 }, (_, index) => ({
    name: `unit: ${index}.test.ts`,
    milliseconds: index * 1_000,
  }));
  expect(timeTable(suites, files)).toEqual([
    'seconds of each suite:',
    '    9.9 s  check',
    '  123.5 s  unit',
    'slowest files, from first to last test:',
    ...[11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((index) => `${`${index}.0`.padStart(7)} s  unit: ${index}.test.ts`),
  ]);
});

test('checks alone have no files', () => {
  expect(timeTable([{ name: 'check', milliseconds: 1_000 }], [])).toEqual(['seconds of each suite:', '  1.0 s  check']);
});
