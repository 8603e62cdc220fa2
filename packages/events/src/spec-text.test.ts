import { expect, test } from 'vitest';
import { generationsIn, methodIn } from './spec-text.js';

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
