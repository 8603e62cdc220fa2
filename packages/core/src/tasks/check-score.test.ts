import { describe, expect, test } from 'vitest';
import { isScoreOf, notFinite } from './check-score.js';
import { classification } from './classification/classification.js';

const of = (metrics: Readonly<Record<string, number>>) => ({ metrics, examples: 8 });

describe('a score of a task', () => {
  test.each([
    ['all metrics', { accuracy: 1, nll: 12, ece: 0, top5: 1 }, true],
    ['the metric that decides', { accuracy: 0.5 }, true],
    ['not the metric that decides', { nll: 1 }, false],
    ['a number that is not finite', { accuracy: 0.5, nll: Number.POSITIVE_INFINITY }, false],
    ['a share above 1', { accuracy: 1.5 }, false],
    ['a share below 0', { accuracy: 0.5, ece: -0.1 }, false],
  ])('has %s', (_what, metrics, isOne) => {
    expect(isScoreOf(classification, of(metrics))).toBe(isOne);
  });
});

test('a score that is not finite is described in the order in which metrics are shown', () => {
  expect(notFinite(of({ nll: Number.NaN, accuracy: 0.5 }))).toBe('accuracy 0.5, NLL NaN');
  expect(notFinite(of({ nll: 1, accuracy: 0.5 }))).toBeUndefined();
});
