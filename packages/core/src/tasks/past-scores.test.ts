import { describe, expect, test } from 'vitest';
import { withMetrics } from './past-scores.js';

describe('stored JSON of a version with two fixed metrics', () => {
  test('gets their names, wherever a score is', () => {
    const score = { accuracy: 0.5, nll: 1.5, examples: 8 };
    const named = { metrics: { accuracy: 0.5, nll: 1.5 }, examples: 8 };
    expect(withMetrics({ generations: [{ student: { step: 1, validation: score } }], test: score })).toEqual({
      generations: [{ student: { step: 1, validation: named } }],
      test: named,
    });
  });

  test('has the zeros that the JSON of protobuf omits', () => {
    expect(withMetrics({ nll: 2, examples: 8 })).toEqual({ metrics: { accuracy: 0, nll: 2 }, examples: 8 });
    expect(withMetrics({ nextStep: 3, terms: [] })).toEqual({ nextStep: 3, terms: [], batchMetrics: { accuracy: 0 } });
  });

  test('gets a name for the accuracy of a batch', () => {
    expect(withMetrics({ progress: { nextStep: 3, batchAccuracy: 0.25 } })).toEqual({
      progress: { nextStep: 3, batchMetrics: { accuracy: 0.25 } },
    });
  });

  test('stays as it is when it is of today', () => {
    const today = {
      validation: { metrics: { accuracy: 0, ece: 0.1 }, examples: 8 },
      progress: { nextStep: 3, batchMetrics: {} },
      runId: 'tiny',
    };
    expect(withMetrics(today)).toEqual(today);
  });
});
