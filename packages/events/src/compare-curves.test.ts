import { expect, test } from 'vitest';
import { compareCurves } from './compare-curves.js';
import { eventOf } from './event.js';
import { foldAll } from './run-history.js';

const history = (
  runId: string,
  ...validations: readonly (readonly [generation: number, step: number, accuracy: number])[]
) =>
  foldAll([
    eventOf({ run: { runId, phase: 'RUN_PHASE_COMPLETED', attempt: 1 }, number: 0 }),
    ...validations.map(([generation, step, accuracy], index) =>
      eventOf({
        evaluation: {
          participant: 'student',
          generation,
          evaluation: { step, validation: { metrics: { accuracy }, examples: 64 } },
        },
        number: index + 1,
      }),
    ),
  ]);

test('the generations of a run follow each other, and each run has a place for every step', () => {
  const curves = compareCurves([
    history('one', [0, 10, 0.5], [0, 20, 0.6], [1, 10, 0.7]),
    history('two', [0, 10, 0.4], [1, 10, 0.8]),
  ]);
  expect(curves).toEqual([
    {
      metric: expect.objectContaining({ name: 'accuracy' }),
      steps: [10, 20, 30],
      series: [
        { runId: 'one', learner: 'student', values: [0.5, 0.6, 0.7] },
        { runId: 'two', learner: 'student', values: [0.4, 0.8, undefined] },
      ],
    },
  ]);
});

test('only learners that are wanted are shown', () => {
  expect(compareCurves([history('one', [0, 10, 0.5])], ['teacher'])).toEqual([]);
});
