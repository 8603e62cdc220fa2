import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Score } from '../domain/score.js';
import { ACCURACY, NLL } from '../tasks/classification/metrics.js';
import { bestGeneration, curriculumOver, promotes } from './promotion.js';

const score = (accuracy: number, examples = 2000): Score => ({ metrics: { accuracy, nll: 0.7 }, examples });
const ifBetter = { promotion: 'if-better', primary: ACCURACY } as const;
const byNll = (...values: number[]) =>
  values.map((nll) => ({
    student: { step: 1, validation: { metrics: { nll }, examples: 8 }, params: { key: 'p', sha256: 'ab', bytes: 1 } },
  }));
const students = (...accuracies: number[]) =>
  accuracies.map((accuracy) => ({
    student: { step: 1, validation: score(accuracy), params: { key: 'p', sha256: 'ab', bytes: 1 } },
  }));

describe('promotes', () => {
  test('always promotes under the policy always, also a worse student', () => {
    expect(promotes({ promotion: 'always', primary: ACCURACY }, score(0.7), score(0.8))).toBe(true);
  });

  test('keeps the anchor under the policy if-better when the student is not better', () => {
    expect(promotes(ifBetter, score(0.8), score(0.8))).toBe(false);
    expect(promotes(ifBetter, score(0.801), score(0.8))).toBe(true);
    expect(promotes(ifBetter, score(0.3), undefined)).toBe(true);
  });

  test('promotes the lower of two scores where less is better', () => {
    const lower = { promotion: 'if-better', primary: NLL } as const;
    const [low, high] = [1, 2].map((nll) => ({ metrics: { nll }, examples: 8 }));
    expect([promotes(lower, low!, high), promotes(lower, high!, low), promotes(lower, low!, low)]).toEqual([
      ...[true, false, false],
    ]);
  });

  test('never promotes a score without the metric that decides', () => {
    expect(promotes(ifBetter, { metrics: {}, examples: 8 }, score(0.1))).toBe(false);
  });
});

describe('curriculumOver', () => {
  const curriculum = {
    generations: 5,
    patience: 0,
    minDelta: 0.01,
    promotion: 'always' as const,
    advance: 'automatic' as const,
  };

  test('comes with the last generation of the budget at the latest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5 }),
        fc.nat(4),
        (all, patience) => {
          expect(curriculumOver(students(...all), { ...curriculum, patience }, ACCURACY)).toBe(true);
        },
      ),
    );
  });

  test('comes after as many generations without gain as the patience says', () => {
    const patient = { ...curriculum, patience: 2 };
    expect(curriculumOver(students(0.8, 0.805), patient, ACCURACY)).toBe(false);
    expect(curriculumOver(students(0.8, 0.805, 0.809), patient, ACCURACY)).toBe(true);
    expect(curriculumOver(students(0.8, 0.805, 0.81), patient, ACCURACY)).toBe(false);
    expect(curriculumOver(byNll(0.8, 0.79, 0.7), patient, NLL)).toBe(false);
    expect(curriculumOver(byNll(0.8, 0.805, 0.81), patient, NLL)).toBe(true);
  });
});

describe('bestGeneration', () => {
  test('is undefined before a generation has ended', () => {
    expect(bestGeneration([], ACCURACY)).toBeUndefined();
  });

  test('is the earliest with the best validation, the highest or the lowest by the metric', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1 }), (tenths) => {
        const accuracies = tenths.map((tenth) => tenth / 10);
        expect(bestGeneration(students(...accuracies), ACCURACY)).toBe(accuracies.indexOf(Math.max(...accuracies)));
        expect(bestGeneration(byNll(...accuracies), NLL)).toBe(accuracies.indexOf(Math.min(...accuracies)));
      }),
    );
  });
});
