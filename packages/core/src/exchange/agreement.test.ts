import { describe, expect, test } from 'vitest';
import { nameOf } from '../domain/position.js';
import { assertAgreement, assertSecret, assertServing, differences } from './agreement.js';
import type { Agreement } from './frame.js';

const mine: Agreement = { specDigest: 'aa', datasetDigest: 'bb', classes: 10, batchSize: 128, seed: 1 };

describe('agreement', () => {
  test('is silent when all fields are equal', () => {
    expect(differences(mine, { ...mine })).toEqual([]);
    expect(() => assertAgreement(mine, { ...mine }, 'student')).not.toThrow();
  });

  test.each([
    [{ specDigest: 'xx' }, 'spec digest'],
    [{ datasetDigest: 'xx' }, 'dataset digest'],
    [{ classes: 100 }, 'classes'],
    [{ batchSize: 64 }, 'batch size'],
    [{ seed: 2 }, 'seed'],
  ])('names a field that differs: %o', (change, said) => {
    expect(differences(mine, { ...mine, ...change })).toEqual([said]);
  });

  test('names all differences at once, and no value of this side', () => {
    const theirs = { ...mine, specDigest: 'xx', datasetDigest: 'xx', seed: 2, classes: 5 };
    expect(() => assertAgreement({ ...mine, specDigest: 'a1b2', datasetDigest: 'c3d4' }, theirs, 'student')).toThrow(
      expect.objectContaining({
        kind: 'wrong-state',
        message: 'the student has another dataset digest, classes, seed, spec digest',
      }),
    );
  });

  test.each([{ runId: 'q' }, { stage: 9 }, { attempt: 2 }, { attempt: 0 }])(
    'refuses %o without a word about what is served',
    (change) => {
      const serving = { runId: 'r', stage: 3, attempt: 1 };
      const asked = { ...serving, ...change };
      expect(() => assertServing(serving, { ...serving })).not.toThrow();
      for (const served of [serving, undefined]) {
        expect(() => assertServing(served, asked)).toThrow(
          expect.objectContaining({ kind: 'out-of-step', message: `${nameOf(asked)} is not served` }),
        );
      }
    },
  );

  test.each(['', 'a', 'a'.repeat(63), 'b'.repeat(64), 'a'.repeat(65)])('refuses the secret %j', (shown) => {
    expect(() => assertSecret('a'.repeat(64), 'a'.repeat(64), 'student')).not.toThrow();
    expect(() => assertSecret('a'.repeat(64), shown, 'student')).toThrow(
      expect.objectContaining({ kind: 'forbidden', message: 'the student does not have the secret of this attempt' }),
    );
  });
});
