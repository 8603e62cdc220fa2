import { specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import type { FileRef } from '../stages/origin.js';
import { assertSameFacts, currentStage, importedFrom, type Place, withImported } from './current-stage.js';
import { type Facts, firstState } from './state.js';

const score = { metrics: { accuracy: 0.5, nll: 1 }, examples: 8 };
const params = { key: 'p', sha256: 'a'.repeat(64), bytes: 8 };
const learner = { best: { step: 1, validation: score, params }, stateSha256: 'a'.repeat(64) };
const result = {
  ...{ steps: 1, promoted: false, pair: { step: 1, manifestKey: 'm' } },
  learners: { student: learner, teacher: learner },
};
const spec = specFor('tiny', { curriculum: { generations: 2 } });

const shapeOf = (at: RunSpec, place: Place) => {
  const { name, learners, frozen } = currentStage(at, place);
  return [name, learners.map((each) => each.name), frozen.map((each) => each.name)];
};

describe('the current stage', () => {
  test('has an anchor once a student was promoted', () => {
    expect(shapeOf(spec, firstState)).toEqual(['generation-0', ['student', 'teacher'], []]);
    const second = { stage: 1, results: [{ ...result, stage: 0 }] };
    expect(shapeOf(spec, second)).toEqual(['generation-1', ['student', 'teacher'], []]);
    const anchored = { ...second, anchor: { stage: 0, params } };
    expect(shapeOf(spec, anchored)).toEqual(['generation-1', ['student', 'teacher'], ['anchor']]);
  });

  test('of a run that has completed is its last one, with the anchor that it had', () => {
    const last = { ...result, stage: 1 };
    const ended = (frozen: object) => ({
      ...{ phase: 'completed', stage: 1, attempt: 1, moves: [] },
      results: [
        { ...result, stage: 0 },
        { ...last, ...frozen },
      ],
    });
    const frozen = { anchor: { validation: score, test: score } };
    expect(shapeOf(spec, ended({ frozen }))).toEqual(['generation-1', ['student', 'teacher'], ['anchor']]);
    expect(shapeOf(spec, ended({}))).toEqual(['generation-1', ['student', 'teacher'], []]);
  });

  test('of a method without promotions has the frozen models that the method names', () => {
    const model = { kind: 'plain-cnn', channels: [4] };
    const kd = RunSpec.parse({
      ...{ name: 'trial', data: { kind: 'synthetic' }, epochs: 2, method: 'kd' },
      ...{ student: { model }, teacher: { model } },
    });
    expect(shapeOf(kd, firstState)).toEqual(['teacher', ['teacher'], []]);
    expect(shapeOf(kd, { stage: 1, results: [{ ...result, stage: 0 }] })).toEqual([
      ...['student', ['student'], ['teacher']],
    ]);
  });
});

const facts: Facts = { datasetDigest: 'a'.repeat(64), classes: 4, totalSteps: 100, stepsPerEpoch: 10 };
const sentence = (name: string, one: string | number, other: string | number) => `${name}: ${one}, ${other}`;

test('the same facts pass', () => {
  expect(() => assertSameFacts(facts, { ...facts }, sentence)).not.toThrow();
});

test.each([
  [{ datasetDigest: 'b'.repeat(64) }, `datasetDigest: ${'a'.repeat(64)}, ${'b'.repeat(64)}`],
  [{ classes: 5 }, 'classes: 4, 5'],
  [{ totalSteps: 90 }, 'totalSteps: 100, 90'],
  [{ stepsPerEpoch: 9 }, 'stepsPerEpoch: 10, 9'],
])('another fact is named with both values: %j', (change, message) => {
  const check = () => assertSameFacts(facts, { ...facts, ...change }, sentence);
  expect(check).toThrow(expect.objectContaining({ kind: 'invalid', message }));
});

const file: FileRef = { kind: 'file', file: '/models/teacher.safetensors', isRegistered: false };
const other: FileRef = { kind: 'file', file: 'teacher', isRegistered: true };
const [first, second] = ['1'.repeat(64), '2'.repeat(64)];

test('what a run imports is kept by where it came from', () => {
  const imported = importedFrom([
    [file, first],
    [other, second],
  ]);
  expect(imported).toEqual({ 'file /models/teacher.safetensors': first, 'registered weights teacher': second });
  expect(withImported(imported, {})).toEqual(imported);
  expect(withImported(undefined, imported)).toEqual(imported);
});

test('other content than the run was trained with is refused by name, later or in another service', () => {
  const problem = `file /models/teacher.safetensors has SHA-256 ${second}, but the run was trained with ${first}`;
  expect(() => withImported(importedFrom([[file, first]]), importedFrom([[file, second]]))).toThrow(problem);
  expect(() =>
    importedFrom([
      [file, first],
      [file, second],
    ]),
  ).toThrow(problem);
});
