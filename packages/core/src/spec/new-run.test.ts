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

test('objectives that the spec states are kept', () => {
  const spec = specFor('tiny');
  expect(newRun(spec)).toEqual(spec);
});

test('a method with knobs of its own gets no objectives', () => {
  const spec = unstated('kd');
  expect(newRun(spec)).toBe(spec);
});
