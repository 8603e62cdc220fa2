import { expect, test } from 'vitest';
import { pairDetails } from './pair-details.js';

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
