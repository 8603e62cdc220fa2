import { expect, test } from 'vitest';
import { generationsIn, methodIn, modelsIn } from './spec-text.js';

test('the budget of generations is known with the spec', () => {
  expect(generationsIn('{"curriculum":{"generations":4}}')).toBe(4);
  expect(generationsIn('')).toBeUndefined();
});

test.each([
  ['trikd where the spec names none', '{}', 'trikd'],
  ['the one that the spec names', '{"method":"kd"}', 'kd'],
  ['the one whose knobs the spec has', '{"method":{"kind":"takd","weight":0.5}}', 'takd'],
  ['none where the spec writes out its stages', '{"stages":[]}', 'own stages'],
  ['unknown without the spec', '', undefined],
])('the method is %s', (_, spec, method) => expect(methodIn(spec)).toBe(method));

const resnet = (depth: number) => ({ model: { kind: 'resnet', depth } });

test.each([
  [
    'its roles and assistants',
    { teacher: resnet(20), student: resnet(8), assistants: [resnet(14)] },
    { student: 'resnet, depth 8', teacher: 'resnet, depth 20', 'assistant-1': 'resnet, depth 14' },
  ],
  ['the learners of its stages', { stages: [{ learners: { solo: resnet(8) } }] }, { solo: 'resnet, depth 8' }],
  ['none where it has none', {}, {}],
])('the networks of a spec are those of %s', (_, spec, models) =>
  expect(modelsIn(JSON.stringify(spec))).toEqual(models),
);
