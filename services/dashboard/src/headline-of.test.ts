import { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { expect, test } from 'vitest';
import { headlineOf } from './headline-of.js';

const best = (validation: number) => ({
  validation: { metrics: { nll: 0.1, accuracy: validation } },
  test: { metrics: { accuracy: validation - 0.25 } },
});
const generation = (index: number, student: number) => ({
  ...{ generation: index, stage: `generation-${index}`, candidate: 'student' },
  learners: [
    { participant: 'student', best: best(student) },
    { participant: 'teacher', best: best(0.875) },
  ],
});
const run = (fields: object): Run => Run.fromJSON({ runId: 'tiny', phase: 'RUN_PHASE_TRAINING', stages: 3, ...fields });

test('the best student is the headline, with the teacher beside it', () => {
  const fields = { generations: [generation(0, 0.5), generation(1, 0.75)], bestGeneration: 1 };
  const headline = headlineOf(run(fields));
  expect(headline).toMatchObject({ title: 'Best so far', validation: 0.75, test: 0.5 });
  expect(headline).toMatchObject({ model: 'student of generation 1', peer: { name: 'teacher', validation: 0.875 } });
  expect(headline?.metric.name).toBe('accuracy');
  expect(headlineOf(run({ ...fields, phase: 'RUN_PHASE_COMPLETED' }))?.title).toBe('Result');
});

test('before a generation has ended, the newest validation is', () => {
  const evaluation = { step: 40, validation: { metrics: { accuracy: 0.25 } } };
  const progress = { evaluations: [{ participant: 'student', evaluation }] };
  expect(headlineOf(run({ progress }))).toMatchObject({
    ...{ title: 'Newest validation', validation: 0.25, model: 'student of generation 0, step 40' },
  });
  expect(headlineOf(run({}))).toBeUndefined();
});
