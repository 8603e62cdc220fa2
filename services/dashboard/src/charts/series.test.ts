import { eventOf } from '@trikd/events/event';
import { foldAll } from '@trikd/events/run-history';
import { describe, expect, test } from 'vitest';
import { newest, plotsOf } from './series.js';

const progress = (participant: string, stage: number, nextStep: number, losses: Readonly<Record<string, number>>) =>
  eventOf({
    progress: {
      participant,
      stage,
      totalSteps: 100,
      progress: {
        nextStep,
        terms: Object.entries(losses).map(([part, value]) => ({ part, value })),
        batchMetrics: { accuracy: 0.5 },
      },
    },
  });
const evaluation = (participant: string, stage: number, step: number, accuracy: number) =>
  eventOf({
    evaluation: {
      participant,
      stage,
      evaluation: { step, validation: { metrics: { accuracy, nll: 2 } } },
    },
  });
const snapshot = (spec: object) => eventOf({ run: { runId: 'tiny', attempt: 1, spec: JSON.stringify(spec) } });

const learner = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task', weight: 0.5 }] };
const spec = snapshot({ student: learner, teacher: learner, curriculum: { generations: 2 } });

const history = foldAll([
  spec,
  progress('student', 0, 10, { task: 3 }),
  evaluation('student', 0, 12, 0.25),
  progress('student', 0, 20, { task: 2 }),
  progress('student', 1, 5, { task: 1 }),
  evaluation('student', 1, 5, 0.75),
]);
const plot = (title: string, stage?: number) => plotsOf(history, stage).find((each) => each.title === title);

describe('plots', () => {
  test('show stages in sequence', () => {
    const accuracy = plot('Accuracy');
    expect(accuracy?.steps).toEqual([10, 12, 20, 25]);
    expect(accuracy?.marks).toEqual([
      { at: 0, stage: 0, label: '0', short: 'g0' },
      { at: 20, stage: 1, label: '1', short: 'g1' },
    ]);
    expect(accuracy?.series.map(({ split, values }) => [split, values])).toEqual([
      ['train', [0.5, undefined, 0.5, 0.5]],
      ['validation', [undefined, 0.25, undefined, 0.75]],
    ]);
  });

  test('show one stage from its own step 0', () => {
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

describe('plots of a method with a frozen teacher', () => {
  const of = (...more: readonly ReturnType<typeof progress>[]) =>
    plotsOf(
      foldAll([
        snapshot({ method: 'takd', student: learner, teacher: learner, assistants: [learner] }),
        progress('teacher', 0, 10, { task: 3 }),
        progress('assistant-1', 1, 10, { task: 0.2, teacher: 0.5 }),
        ...more,
      ]),
    );

  test('have a line for each learner, and the name of each stage', () => {
    const loss = of().find(({ title }) => title === 'Task loss');
    expect(loss?.series.map(({ learner: name, values }) => [name, values])).toEqual([
      ['teacher', [3, undefined]],
      ['assistant-1', [undefined, 0.2]],
    ]);
    expect(loss?.marks.map(({ label, short }) => [label, short])).toEqual([
      ['teacher', 'teacher'],
      ['assistant-1', 'assistant-1'],
    ]);
  });

  test('tell the frozen models apart, and have none of a peer', () => {
    const titles = of(progress('student', 2, 10, { task: 0.2, 'assistant-1': 0.25 }))
      .map(({ title }) => title)
      .filter((title) => title.startsWith('Distillation'));
    expect(titles).toEqual(['Distillation loss from the teacher', 'Distillation loss from the assistant-1']);
  });

  test('divide the task loss by the weight that the method gives it', () => {
    const [, student] = of().find(({ title }) => title === 'Negative log-likelihood')?.series ?? [];
    expect(student && newest(student)).toBeCloseTo(2);
  });
});

test('two learners that learn from each other share the plot of the peer', () => {
  const plots = plotsOf(
    foldAll([
      snapshot({ method: 'dml', student: learner, teacher: learner }),
      progress('teacher', 0, 10, { task: 3, student: 0.5 }),
      progress('student', 0, 10, { task: 3, teacher: 0.25 }),
    ]),
  );
  const peer = plots.find(({ title }) => title === 'Distillation loss from the peer');
  expect(peer?.series.map(({ learner: name, values }) => [name, values])).toEqual([
    ['student', [0.25]],
    ['teacher', [0.5]],
  ]);
});
