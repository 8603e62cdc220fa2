import { expect, test } from 'vitest';
import { newRun } from './new-run.js';
import { RunSpec } from './run-spec.js';
import { specDifferences } from './spec-differences.js';

const model = { kind: 'plain-cnn', channels: [4] };
const written = { name: 'a', data: { kind: 'synthetic' }, epochs: 2, student: { model }, teacher: { model } };
const specOf = (more: object = {}) => RunSpec.parse({ ...written, ...more });

test('each setting that differs is named with both values', () => {
  const asked = specOf({ epochs: 3, student: { model, learningRate: 0.1 } });
  expect(specDifferences(specOf(), asked)).toEqual([
    'epochs: stored 2, requested 3',
    'student.learningRate: stored 0.05, requested 0.1',
  ]);
});

test('a spec that an earlier version stored does not differ from its file, completed by this version', () => {
  expect(specDifferences(specOf(), newRun(specOf()))).toEqual([]);
  expect(specDifferences(specOf(), newRun(specOf({ epochs: 3 })))).toEqual(['epochs: stored 2, requested 3']);
  expect(specDifferences(specOf(), newRun(specOf({ engine: { kernels: 'tensorflow' } })))).toEqual([]);
});

test('a stored setting differs from the default that a new run gets instead', () => {
  const stored = specOf({ engine: { kernels: 'tensorflow' } });
  expect(specDifferences(stored, newRun(specOf()))).toContain('engine.kernels: stored "tensorflow", requested "own"');
});
