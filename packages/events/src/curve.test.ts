import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addPoint, type Curve, cutFrom, emptyCurve, MOST_POINTS } from './curve.js';

const grown = (steps: number, value: (step: number) => number): Curve => {
  let curve = emptyCurve;
  for (let step = 0; step < steps; step += 1) curve = addPoint(curve, step, { loss: value(step) });
  return curve;
};

describe('a curve', () => {
  test('of few values has each of them', () => {
    const { points } = grown(5, (step) => step * step);
    expect(points.map(({ step, values }) => [step, values['loss']])).toEqual([0, 1, 2, 3, 4].map((n) => [n, n * n]));
  });

  test('never has more points than it may, and every value counts in one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), (steps) => {
        const { points } = grown(steps, () => 1);
        expect(points.length).toBeLessThanOrEqual(MOST_POINTS);
        expect(points.reduce((sum, { count }) => sum + count, 0)).toBe(steps);
      }),
      { numRuns: 20 },
    );
  });

  test('that is thinned out keeps its mean', () => {
    const { points } = grown(3000, (step) => step);
    const sum = points.reduce((total, { count, values }) => total + count * (values['loss'] ?? Number.NaN), 0);
    expect(sum / 3000).toBeCloseTo(2999 / 2, 6);
  });

  test('goes by steps: what was trained again replaces what was there', () => {
    const again = addPoint(
      grown(10, () => 1),
      4,
      { loss: 2 },
    );
    expect(again.points.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    expect(again.points.at(-1)?.values).toEqual({ loss: 2 });
  });

  test('has nothing from the step on that it is cut at', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 2000 }), (steps, at) => {
        const { points } = cutFrom(
          grown(steps, () => 1),
          at,
        );
        expect(points.every(({ last }) => last < at)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});
