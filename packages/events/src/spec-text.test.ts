import { expect, test } from 'vitest';
import { generationsIn, taskWeight } from './spec-text.js';

test.each([
  [
    'the weight of the task term',
    '{"student":{"objective":[{"kind":"distillation"},{"kind":"task","weight":0.5}]}}',
    0.5,
  ],
  ['1 when the spec leaves it to the default', '{"student":{"objective":[{"kind":"task"}]}}', 1],
  ['nothing for a term that counts nothing', '{"student":{"objective":[{"kind":"task","weight":0}]}}', undefined],
  ['nothing without a task term', '{"student":{"objective":[{"kind":"distillation"}]}}', undefined],
  ['nothing while the spec is not known', '', undefined],
])('the NLL of a batch is its task loss over %s', (_, spec, weight) => {
  expect(taskWeight(spec, 'student')).toBe(weight);
});

test('the budget of generations is known with the spec', () => {
  expect(generationsIn('{"curriculum":{"generations":4}}')).toBe(4);
  expect(generationsIn('')).toBeUndefined();
});
