import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pairedRatio, summarise } from './statistics.ts';

const ones = (count: number) => Array.from({ length: count }, () => 1);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('quartiles, the median and the 99th percentile are values of the sample', () => {
  expect(summarise(upTo(100))).toEqual({ steps: 100, min: 1, lower: 26, median: 51, upper: 76, p99: 100 });
});

test('a ratio is that of each round, so that a slow round counts for both sides', () => {
  const slowRound = [100, 900, 100];
  expect(pairedRatio(slowRound, [50, 450, 50]).median).toBe(2);
});

// The ranks that tables of the sign test have for 95 %.
test.each([
  [6, 1, 6],
  [8, 1, 8],
  [9, 2, 8],
  [12, 3, 10],
  [20, 6, 15],
  [40, 14, 27],
])('the interval of %d rounds goes from the value of rank %d to that of rank %d', (count, from, to) => {
  expect(pairedRatio(upTo(count), ones(count)).interval).toEqual([from, to]);
});

test('fewer than six rounds have no interval', () => {
  expect(pairedRatio(upTo(5), ones(5))).toEqual({ rounds: 5, median: 3 });
});

test('the interval holds the middle ratio', () => {
  const times = fc.array(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1000 })), {
    minLength: 6,
  });
  fc.assert(
    fc.property(times, (rounds) => {
      const { median, interval } = pairedRatio(
        rounds.map(([ours]) => ours),
        rounds.map(([, theirs]) => theirs),
      );
      expect(interval![0]).toBeLessThanOrEqual(median);
      expect(interval![1]).toBeGreaterThanOrEqual(median);
    }),
  );
});

test('refuses sides of unequally many rounds', () => {
  expect(() => pairedRatio([1, 2], [1])).toThrow('expected as many rounds of both sides, got 2 and 1');
});
