import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ScheduleSpec } from '../spec/role-spec.js';
import { learningRate } from './schedule.js';

const schedule: fc.Arbitrary<ScheduleSpec> = fc.oneof(
  fc.constant({ kind: 'constant' } as const),
  fc.constant({ kind: 'cosine' } as const),
  fc.record({
    kind: fc.constant('multistep' as const),
    milestones: fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { maxLength: 4 }),
    factor: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
  }),
);
const setting = fc.record({
  schedule,
  peak: fc.double({ min: 1e-6, max: 10, noNaN: true }),
  warmup: fc.nat(50),
  total: fc.integer({ min: 1, max: 300 }),
});

function rates(one: { schedule: ScheduleSpec; peak: number; warmup: number; total: number }): readonly number[] {
  return Array.from({ length: one.total }, (_, step) =>
    learningRate(one.schedule, one.peak, one.warmup, one.total, step),
  );
}

describe('every schedule', () => {
  test('stays above 0 and never exceeds the peak', () => {
    fc.assert(
      fc.property(setting, (one) => {
        for (const rate of rates(one)) {
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(one.peak);
        }
      }),
    );
  });

  test('rises by equal amounts during warm-up, from peak / warmupSteps to the peak', () => {
    fc.assert(
      fc.property(setting, (one) => {
        for (const [step, rate] of rates(one).slice(0, one.warmup).entries()) {
          expect(rate).toBeCloseTo((one.peak * (step + 1)) / one.warmup, 9);
        }
      }),
    );
  });

  test('never rises after warm-up', () => {
    fc.assert(
      fc.property(setting, (one) => {
        const after = rates(one).slice(one.warmup);
        for (const [i, rate] of after.entries()) expect(rate).toBeLessThanOrEqual(after[i - 1] ?? rate);
      }),
    );
  });
});

test('a constant rate is the peak', () => {
  expect(rates({ schedule: { kind: 'constant' }, peak: 0.1, warmup: 0, total: 3 })).toEqual([0.1, 0.1, 0.1]);
});

test('the cosine starts at the peak, is half of it midway and reaches 0 at the end', () => {
  const at = (step: number) => learningRate({ kind: 'cosine' }, 0.4, 20, 120, step);
  expect(at(20)).toBe(0.4);
  expect(at(70)).toBeCloseTo(0.2, 12);
  expect(at(120)).toBe(0);
});

test('a multistep rate falls by the factor at each milestone', () => {
  const steps: ScheduleSpec = { kind: 'multistep', milestones: [0.75, 0.5], factor: 0.1 };
  const at = (step: number) => learningRate(steps, 1, 0, 100, step);
  expect([at(0), at(49), at(50), at(74)]).toEqual([1, 1, 0.1, 0.1]);
  expect(at(75)).toBeCloseTo(0.01, 12);
});
