import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootstrapInterval, holm, sampleOf, tInterval, tTest } from './statistics.js';

const values = [0.71, 0.16, 1.25, -0.3, 0.44];

describe('the statistics of five values', () => {
  // SciPy 1.16: t.interval(0.95, 4, loc=mean, scale=sem), ttest_1samp(values, 0).
  test('are those that SciPy computes', () => {
    const sample = sampleOf(values);
    expect(sample.mean).toBeCloseTo(0.452, 12);
    expect(sample.deviation).toBeCloseTo(0.5818676825533448, 12);
    const [from, to] = tInterval(sample)!;
    expect(from).toBeCloseTo(-0.2704841531447446, 8);
    expect(to).toBeCloseTo(1.1744841531447447, 8);
    expect(tTest(sample)).toBeCloseTo(0.15738945651940764, 8);
  });

  test('have a bootstrap interval that is narrower than that of t, and the same each time', () => {
    const [from, to] = bootstrapInterval(values)!;
    expect([from, to]).toEqual(bootstrapInterval(values));
    expect(from).toBeGreaterThan(-0.2704);
    expect(to).toBeLessThan(1.1744);
    expect(from).toBeLessThan(0.452);
    expect(to).toBeGreaterThan(0.452);
  });
});

test('a single value has no interval and no p', () => {
  expect([tInterval(sampleOf([3])), tTest(sampleOf([3])), bootstrapInterval([3])]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('a difference that is the same for every seed has p 0, and none at all p 1', () => {
  expect([tTest(sampleOf([2, 2, 2])), tTest(sampleOf([0, 0]))]).toEqual([0, 1]);
});

test('a bootstrap resample takes each value about as often as the others', () => {
  const [from, to] = bootstrapInterval(Array.from({ length: 400 }, (_, index) => index % 2))!;
  // Of 400 fair draws: 0.5 ± 1.96 · 0.025.
  expect(from).toBeCloseTo(0.451, 2);
  expect(to).toBeCloseTo(0.549, 2);
});

describe('the correction of Holm', () => {
  test('multiplies the smallest p by the number of comparisons, the next by one less, and never falls', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  });

  test('never lowers a p, and never exceeds 1', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), (ps) => {
        for (const [index, p] of holm(ps).entries()) {
          expect(p).toBeGreaterThanOrEqual(ps[index]!);
          expect(p).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
