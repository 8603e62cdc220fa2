import { specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { newRun, specDifferences } from './new-run.js';
import { RunSpec, specDigest } from './run-spec.js';

describe('new run', () => {
  const model = { kind: 'plain-cnn', channels: [4] };
  const unstated = (method: string) =>
    RunSpec.parse({
      name: 'a',
      data: { kind: 'synthetic' },
      epochs: 2,
      method,
      student: { model },
      teacher: { model },
    });

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
});

describe('spec differences', () => {
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

  test('kernels that are not stated are those of TensorFlow', () => {
    expect(specDifferences(specOf(), specOf({ engine: { kernels: 'tensorflow' } }))).toEqual([]);
  });

  test('a stored setting differs from the default that a new run gets instead', () => {
    const stored = specOf({ engine: { kernels: 'tensorflow' } });
    expect(specDifferences(stored, newRun(specOf()))).toContain('engine.kernels: stored "tensorflow", requested "own"');
  });
});
