import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracyOfFolds, type ScoredPairs, trueAcceptRate } from './pair-metrics.js';

type Answer = readonly [similarity: number, same: 0 | 1];

/** Pairs by fold. */
function scored(...folds: readonly (readonly Answer[])[]): ScoredPairs {
  const all = folds.flatMap((pairs, fold) => pairs.map(([similarity, same]) => ({ similarity, same, fold })));
  return {
    similarities: Float64Array.from(all, ({ similarity }) => similarity),
    same: Uint8Array.from(all, ({ same }) => same),
    fold: Uint8Array.from(all, ({ fold }) => fold),
    folds: folds.length,
  };
}

// Few values, so that many are equal.
const similarity = fc.integer({ min: -4, max: 4 }).map((quarter) => quarter / 4);
const answers = fc.array(fc.tuple(similarity, fc.constantFrom<0 | 1>(0, 1)), { minLength: 1, maxLength: 12 });
const folds = fc.array(answers, { minLength: 2, maxLength: 5 });

const rightAt = (threshold: number, pairs: readonly Answer[]) =>
  pairs.filter(([value, same]) => value >= threshold === (same === 1)).length;

describe('accuracyOfFolds', () => {
  test('is the mean over folds at the highest of the thresholds that are best for the others', () => {
    fc.assert(
      fc.property(folds, (all) => {
        const rates = all.map((tested, fold) => {
          const others = all.filter((_, other) => other !== fold).flat();
          const thresholds = [Number.POSITIVE_INFINITY, ...others.map(([value]) => value)].sort((a, b) => b - a);
          const most = Math.max(...thresholds.map((threshold) => rightAt(threshold, others)));
          const best = thresholds.find((threshold) => rightAt(threshold, others) === most)!;
          return rightAt(best, tested) / tested.length;
        });
        expect(accuracyOfFolds(scored(...all))).toBeCloseTo(rates.reduce((a, b) => a + b, 0) / rates.length, 12);
      }),
    );
  });

  test('is 1 where a threshold tells all pairs apart, in whatever order they come', () => {
    const fold: readonly Answer[] = [
      [0.2, 0],
      [0.8, 1],
      [0.9, 1],
      [-0.5, 0],
    ];
    expect(accuracyOfFolds(scored(fold, fold.toReversed()))).toBe(1);
  });

  test('is one half when all pairs are equally similar', () => {
    const fold: readonly Answer[] = [
      [1, 0],
      [1, 1],
    ];
    expect(accuracyOfFolds(scored(fold, fold, fold))).toBe(0.5);
  });

  test('takes no threshold from the fold it is for', () => {
    const odd: readonly Answer[] = [
      [0.1, 1],
      [0.05, 0],
    ];
    const usual: readonly Answer[] = [
      [0.9, 1],
      [0.5, 0],
    ];
    // At 0.9, the threshold of the others, the pair of one identity is missed.
    expect(accuracyOfFolds(scored(odd, usual, usual))).toBeCloseTo((0.5 + 1 + 1) / 3, 12);
  });

  test('is no number when a similarity is none', () => {
    expect(accuracyOfFolds(scored([[Number.NaN, 1]], [[1, 0]]))).toBeNaN();
  });
});

describe('trueAcceptRate', () => {
  test('is the largest share of accepted pairs of one identity among all thresholds within the false accept rate', () => {
    fc.assert(
      fc.property(answers, fc.constantFrom(0.1, 0.25, 0.5, 1), (pairs, far) => {
        const rate = (threshold: number, same: 0 | 1) => {
          const asked = pairs.filter((pair) => pair[1] === same);
          return asked.filter(([value]) => value >= threshold).length / asked.length;
        };
        fc.pre(pairs.some(([, same]) => same === 1) && pairs.filter(([, same]) => same === 0).length * far >= 1);
        const thresholds = [Number.POSITIVE_INFINITY, ...pairs.map(([value]) => value)];
        const within = thresholds.filter((threshold) => rate(threshold, 0) <= far);
        expect(trueAcceptRate(scored(pairs), far)).toBe(Math.max(...within.map((threshold) => rate(threshold, 1))));
      }),
    );
  });

  test('is not reported for fewer pairs of two identities than the rate needs', () => {
    const pairs = (count: number) =>
      scored([[0.5, 1], ...Array.from({ length: count }, (_, i) => [i / 1000, 0] as const)]);
    expect(trueAcceptRate(pairs(99), 0.01)).toBeUndefined();
    expect(trueAcceptRate(pairs(100), 0.01)).toBe(1);
  });

  test.each([100, 300, 700, 1900, 2900])(
    'accepts the hundredth part of %d, whatever floating point makes of it',
    (count) => {
      const accepted = count / 100;
      const impostors = Array.from({ length: count }, (_, i) => [1 - i / count, 0] as const);
      // One below the last impostor that may be accepted, one below the first that may not.
      const genuine = [accepted, accepted + 1].map((place) => [1 - (place - 0.5) / count, 1] as const);
      expect(trueAcceptRate(scored([...genuine, ...impostors]), 0.01)).toBe(0.5);
    },
  );

  test('is no number when a similarity is none', () => {
    expect(
      trueAcceptRate(
        scored([
          [Number.NaN, 1],
          [0, 0],
        ]),
        1,
      ),
    ).toBeNaN();
  });
});
