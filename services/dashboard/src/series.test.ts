import { eventOf } from '@trikd/events/event';
import { foldAll } from '@trikd/events/run-history';
import { describe, expect, test } from 'vitest';
import { newest, plotsOf } from './series.js';

const progress = (generation: number, nextStep: number, task: number) =>
  eventOf({
    progress: {
      role: 'ROLE_STUDENT',
      generation,
      totalSteps: 100,
      progress: { nextStep, terms: [{ part: 'task', value: task }], batchMetrics: { accuracy: 0.5 } },
    },
  });
const evaluation = (generation: number, step: number, accuracy: number) =>
  eventOf({
    evaluation: {
      role: 'ROLE_STUDENT',
      generation,
      evaluation: { step, validation: { metrics: { accuracy, nll: 2 } } },
    },
  });
const spec = eventOf({ run: { spec: '{"student":{"objective":[{"kind":"task","weight":0.5}]}}' } });

const history = foldAll([
  spec,
  progress(0, 10, 3),
  evaluation(0, 12, 0.25),
  progress(0, 20, 2),
  progress(1, 5, 1),
  evaluation(1, 5, 0.75),
]);
const plot = (title: string, generation?: number) => plotsOf(history, generation).find((each) => each.title === title);

describe('plots', () => {
  test('show generations in sequence', () => {
    const accuracy = plot('Accuracy');
    expect(accuracy?.steps).toEqual([10, 12, 20, 25]);
    expect(accuracy?.marks).toEqual([
      { at: 0, generation: 0 },
      { at: 20, generation: 1 },
    ]);
    expect(accuracy?.series.map(({ split, values }) => [split, values])).toEqual([
      ['train', [0.5, undefined, 0.5, 0.5]],
      ['validation', [undefined, 0.25, undefined, 0.75]],
    ]);
  });

  test('show one generation from its own step 0', () => {
    expect(plot('Task loss', 1)).toMatchObject({ steps: [5], series: [{ values: [1] }] });
  });

  test('divide the task loss by its weight for the NLL of a batch', () => {
    expect(plot('Negative log-likelihood')?.series[0]?.values).toEqual([6, undefined, 4, 2]);
  });

  test('are left out when they have no values', () => {
    expect(plot('Distillation loss from the anchor')).toBeUndefined();
  });

  test('give the newest value of each line', () => {
    expect(plot('Accuracy')?.series.map(newest)).toEqual([0.5, 0.75]);
  });
});
