import { expect, test } from 'vitest';
import { RunSpec } from './run-spec.js';
import { weightsProblems } from './weights-access.js';

const model = { kind: 'plain-cnn', channels: [4] };
const base = { name: 'r', data: { kind: 'synthetic' }, epochs: 1 };
const specOf = (from: object) =>
  RunSpec.parse({ ...base, method: 'kd', student: { model, init: from }, teacher: { model, from } });

test('registered weights are read by name, and paths only where they are allowed', () => {
  expect(weightsProblems(specOf({ weights: 'big' }), { paths: false, weights: ['big'] })).toEqual([]);
  expect(weightsProblems(specOf({ file: '/etc/x.safetensors' }), { paths: true })).toEqual([]);
});

test('a path or a name that is not registered is refused with its field, and the names are told', () => {
  const path = 'this service reads no path that a spec names: name registered weights, one of big';
  expect(weightsProblems(specOf({ file: '/etc/x.safetensors' }), { paths: false, weights: ['big'] })).toEqual([
    { field: 'teacher.from', description: path },
    { field: 'student.init', description: path },
  ]);
  expect(weightsProblems(specOf({ weights: 'small' }), { paths: false, weights: ['big'] })[0]?.description).toBe(
    'this service has no weights small: name one of big',
  );
});

test('the fields of written stages are those of the file', () => {
  const frozen = { old: { from: { file: '/x.safetensors' }, model } };
  const spec = RunSpec.parse({ ...base, stages: [{ name: 'only', learners: { net: { model } }, frozen }] });
  expect(weightsProblems(spec, { paths: false }).map(({ field }) => field)).toEqual(['stages.0.frozen.old.from']);
});
