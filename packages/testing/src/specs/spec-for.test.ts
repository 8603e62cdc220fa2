import { expect, test } from 'vitest';
import { PRESETS, type Preset } from './presets.js';
import { datasetFor, specFor } from './spec-for.js';

test.each(Object.keys(PRESETS) as Preset[])('the preset %s is a complete spec', (preset) => {
  expect(specFor(preset).name).toBe(PRESETS[preset].name);
});

test('a change of a role keeps its other fields', () => {
  const { student, teacher } = specFor('tiny', { student: { learningRate: 0.5 } });
  expect(student).toEqual({ ...specFor('tiny').student, learningRate: 0.5 });
  expect(teacher).toEqual(specFor('tiny').teacher);
});

test('data from files have no synthetic dataset', () => {
  const spec = specFor('tiny', { data: { kind: 'idx', folder: '/nowhere', train: 64, validation: 24 } });
  expect(() => datasetFor(spec)).toThrow('the data of the spec are idx, not synthetic');
});
