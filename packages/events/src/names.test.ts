import { describe, expect, test } from 'vitest';
import { generationsIn, lossText, methodIn, modelsIn, otherTexts, primaryText, scoreText, stageText } from './names.js';

const metrics = { ece: 0.012, nll: 0.23451, top5: 0.99, accuracy: 0.931 };

describe('a score in words', () => {
  test('begins with the metric that decides, and has one more', () => {
    expect(scoreText(metrics)).toBe('93.10 %, NLL 0.2345');
    expect(scoreText({ accuracy: 0.931 })).toBe('93.10 %');
  });

  test('lists the others in one order, whatever the order in the message', () => {
    expect(otherTexts(metrics)).toEqual(['NLL 0.2345', 'ECE 1.20 %', 'top-5 accuracy 99.00 %']);
  });

  test('shows a metric that is not known here under its name', () => {
    expect(otherTexts({ accuracy: 0.5, 'f1-macro': 0.25 })).toEqual(['f1-macro 0.2500']);
  });

  test('is unknown where nothing was measured', () => {
    expect(primaryText(undefined)).toBeUndefined();
    expect(scoreText({})).toBe('unknown');
  });
});

test.each([
  [2.30261, '2.303'],
  [-0.5, '-0.500'],
  [999_999, '999999.000'],
  [1.3635006312654832e19, '1.4e19'],
  [-2e21, '-2.0e21'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
  [Number.NaN, 'NaN'],
])('the loss %d is written %s', (loss, text) => expect(lossText(loss, 3)).toBe(text));

test.each([
  ['generation-2', 'generation 2'],
  ['teacher', 'stage teacher'],
  ['', 'stage 2'],
  [undefined, 'stage 2'],
])('stage 2 of the name %s is called %s', (name, text) => expect(stageText(name, 2)).toBe(text));

test('the budget of stages is known with the spec', () => {
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
