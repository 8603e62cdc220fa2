import { expect, test } from 'vitest';
import { merged } from './merged.js';

test('sections are merged, lists and values replaced', () => {
  const settings = { epochs: 3, student: { learningRate: 0.1, objective: [1, 2] } };
  expect(merged(settings, { epochs: 5, student: { objective: [3] } })).toEqual({
    epochs: 5,
    student: { learningRate: 0.1, objective: [3] },
  });
});

test('null takes a setting away', () => {
  expect(
    merged(
      { teacher: { epochs: 1 }, student: { clipNorm: 5, learningRate: 1 } },
      { teacher: null, student: { clipNorm: null } },
    ),
  ).toEqual({
    student: { learningRate: 1 },
  });
});

test('a section of another kind keeps no setting of the one before', () => {
  const settings = { model: { kind: 'resnet', depth: 8 }, method: 'kd' };
  expect(merged(settings, { model: { kind: 'plain-cnn' }, method: { kind: 'eskd', after: 0.5 } })).toEqual({
    model: { kind: 'plain-cnn' },
    method: { kind: 'eskd', after: 0.5 },
  });
});

test('a name of a prototype is a name like any other', () => {
  const over = JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
  expect(Object.hasOwn(merged({}, over), '__proto__')).toBe(true);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});
