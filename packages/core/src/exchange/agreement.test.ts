import { describe, expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { assertAgreement, assertServing, differences } from './agreement.js';
import { consumersOf } from './consumers.js';
import type { Agreement } from './frame.js';

const mine: Agreement = { specDigest: 'aa', datasetDigest: 'bb', classes: 10, batchSize: 128, seed: 1 };

describe('agreement', () => {
  test('is silent when all fields are equal', () => {
    expect(differences(mine, { ...mine })).toEqual([]);
    expect(() => assertAgreement(mine, { ...mine }, 'student')).not.toThrow();
  });

  test.each([
    [{ specDigest: 'xx' }, 'spec digest aa here, xx there'],
    [{ datasetDigest: 'xx' }, 'dataset digest bb here, xx there'],
    [{ classes: 100 }, 'classes 10 here, 100 there'],
    [{ batchSize: 64 }, 'batch size 128 here, 64 there'],
    [{ seed: 2 }, 'seed 1 here, 2 there'],
  ])('names a field that differs: %o', (change, said) => {
    expect(differences(mine, { ...mine, ...change })).toEqual([said]);
  });

  test('names all differences at once', () => {
    expect(() => assertAgreement(mine, { ...mine, seed: 2, classes: 5 }, 'student')).toThrow(
      expect.objectContaining({
        kind: 'wrong-state',
        message: 'the student disagrees: classes 10 here, 5 there; seed 1 here, 2 there',
      }),
    );
  });

  test.each([
    [{ runId: 'q' }, 'wrong-state', 'serving run r, asked for q'],
    [{ generation: 9 }, 'wrong-state', 'serving generation 3, asked for 9'],
    [{ generation: 2, attempt: 7 }, 'wrong-state', 'serving generation 3, asked for 2'],
    [{ attempt: 2 }, 'out-of-step', 'serving attempt 1, asked for 2'],
    [{ attempt: 0 }, 'out-of-step', 'serving attempt 1, asked for 0'],
  ])('refuses by name who asks for %o', (change, kind, message) => {
    const serving = { runId: 'r', generation: 3, attempt: 1 };
    expect(() => assertServing(serving, { ...serving })).not.toThrow();
    expect(() => assertServing(serving, { ...serving, ...change })).toThrow(expect.objectContaining({ kind, message }));
  });
});

describe('consumers', () => {
  const model = { kind: 'plain-cnn', channels: [4] };
  const spec = RunSpec.parse({
    name: 'r',
    data: { kind: 'synthetic' },
    epochs: 1,
    student: { model, objective: [{ kind: 'task' }, { kind: 'distillation', from: 'peer' }] },
    teacher: { model, objective: [{ kind: 'task' }, { kind: 'distillation', from: 'anchor' }] },
  });

  test('are the roles whose objective asks for the model', () => {
    expect(consumersOf(spec, 'teacher', 0)).toEqual(['student']);
    expect(consumersOf(spec, 'student', 0)).toEqual([]);
    expect(consumersOf(spec, 'anchor', 1)).toEqual(['teacher']);
  });

  test('leave the anchor out in generation 0', () => {
    expect(consumersOf(spec, 'anchor', 0)).toEqual([]);
  });
});
