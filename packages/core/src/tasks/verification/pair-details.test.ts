import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracyOfFolds, pairDetails, type ScoredPairs, trueAcceptRate } from './pair-details.js';

/** Pairs by their similarity: of one identity 0.9, 0.5, 0.5; of two 0.5, 0.1, -0.25, -1. */
const pairs = {
  similarities: Float64Array.of(0.5, -1, 0.9, 0.5, 0.1, 0.5, -0.25),
  same: Uint8Array.of(1, 0, 1, 0, 0, 1, 0),
  left: Uint32Array.of(0, 2, 4, 6, 8, 10, 12),
  right: Uint32Array.of(1, 3, 5, 7, 9, 11, 13),
  fold: new Uint8Array(7),
  folds: 1,
};

test('a threshold accepts the pairs of at least its similarity', () => {
  expect(pairDetails(pairs).roc).toEqual([
    { threshold: Number.MAX_VALUE, trueAccepts: 0, falseAccepts: 0 },
    { threshold: 0.9, trueAccepts: 1 / 3, falseAccepts: 0 },
    { threshold: 0.5, trueAccepts: 1, falseAccepts: 1 / 4 },
    { threshold: 0.1, trueAccepts: 1, falseAccepts: 2 / 4 },
    { threshold: -0.25, trueAccepts: 1, falseAccepts: 3 / 4 },
    { threshold: -1, trueAccepts: 1, falseAccepts: 1 },
  ]);
});

test('the area is the share of couples in their right order, of which equal ones count half', () => {
  // Of 12 couples, 10 are in order and the two of 0.5 with 0.5 are equal.
  expect(pairDetails(pairs).area).toBeCloseTo(11 / 12, 12);
});

test('similarities are counted in bins, those of either kind', () => {
  const bins = pairDetails(pairs).similarities;
  expect(bins).toHaveLength(40);
  const counted = bins.flatMap(({ same, different }, bin) => (same + different > 0 ? [[bin, same, different]] : []));
  expect(counted).toEqual([
    [0, 0, 1],
    [15, 0, 1],
    [22, 0, 1],
    [30, 2, 1],
    [38, 1, 0],
  ]);
});

test('the hardest pairs are the least similar of one identity and the most similar of two', () => {
  const { worst } = pairDetails(pairs);
  expect(worst.map(({ left, same }) => [left, same])).toEqual([
    ...[0, 10, 4].map((left) => [left, true]),
    ...[6, 8, 12, 2].map((left) => [left, false]),
  ]);
});

test('a curve of many pairs keeps its ends', () => {
  const count = 6000;
  const many = {
    similarities: Float64Array.from({ length: count }, (_, i) => Math.cos(i)),
    same: Uint8Array.from({ length: count }, (_, i) => i % 2),
    ...{ left: new Uint32Array(count), right: new Uint32Array(count), fold: new Uint8Array(count), folds: 1 },
  };
  const { roc } = pairDetails(many);
  expect(roc.length).toBeLessThanOrEqual(202);
  expect(roc[0]).toMatchObject({ trueAccepts: 0, falseAccepts: 0 });
  expect(roc.at(-1)).toMatchObject({ trueAccepts: 1, falseAccepts: 1 });
});

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
