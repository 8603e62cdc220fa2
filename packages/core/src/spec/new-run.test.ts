import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { newRun } from './new-run.js';
import { RunSpec, specDigest } from './run-spec.js';

const model = { kind: 'plain-cnn', channels: [4] };
const unstated = (method: string) =>
  RunSpec.parse({ name: 'a', data: { kind: 'synthetic' }, epochs: 2, method, student: { model }, teacher: { model } });

test.each(['trikd', 'label-anchor'])('a new run of %s has its objectives written out', (method) => {
  const { student, teacher } = newRun(unstated(method));
  expect(student!.objective!.map((term) => (term.kind === 'distillation' ? term.from : term.kind))).toEqual([
    'task',
    'anchor',
    'peer',
  ]);
  expect(teacher!.objective).toHaveLength(3);
});

test('the spec of a new run is a spec, and is complete', () => {
  const spec = newRun(unstated('trikd'));
  expect(specDigest(RunSpec.parse(spec))).toBe(specDigest(spec));
  expect(newRun(spec)).toEqual(spec);
});

test('what the spec states is kept', () => {
  const spec = specFor('tiny', { engine: { kernels: 'tensorflow' } });
  expect(newRun(spec)).toEqual(spec);
});

test('a method with knobs of its own gets no objectives', () => {
  const { student, teacher } = unstated('kd');
  expect(newRun(unstated('kd'))).toMatchObject({ student, teacher });
});

test.each([
  [{}, 'own'],
  [{ precision: 'bfloat16' }, undefined],
  [{ device: 'gpu' }, undefined],
  [{ xla: true }, undefined],
] as const)('a new run with the engine %o gets the kernels %s', (engine, kernels) => {
  const spec = unstated('kd');
  expect(newRun({ ...spec, engine: { ...spec.engine, ...engine } }).engine.kernels).toBe(kernels);
});
