import { expect, test } from 'vitest';
import { verdictOn } from './verdict.ts';

test.each([
  ['slower', [1.06, 1.09]],
  ['undecided', [1.04, 1.06]],
  ['not slower', [0.98, 1.05]],
] as const)('%s with a limit of 1.05 and the interval %o', (verdict, interval) => {
  expect(verdictOn({ rounds: 20, median: 1.05, interval }, 1.05)).toBe(verdict);
});

test('too few rounds for an interval decide nothing', () => {
  expect(verdictOn({ rounds: 5, median: 9 }, 1.05)).toBe('undecided');
});
