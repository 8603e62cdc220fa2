import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Score } from '../domain/score.js';
import { bestGeneration, curriculumOver, degenerate, promotes } from './promotion.js';

const score = (accuracy: number, examples = 2000): Score => ({ accuracy, nll: 0.7, examples });
const students = (...accuracies: number[]) =>
  accuracies.map((accuracy) => ({
    student: { step: 1, validation: score(accuracy), params: { key: 'p', sha256: 'ab', bytes: 1 } },
  }));

describe('degenerate', () => {
  test('refuses a collapsed net, which gives one answer to every image', () => {
    expect(degenerate(score(0.1), 10)).toMatch('accuracy 0.1000 on 2000 validation images of 10 classes');
    expect(degenerate(score(0.5, 400), 2)).toMatch('answers like chance');
  });

  test('refuses scores that are not finite', () => {
    expect(degenerate({ ...score(0.9), nll: Number.NaN }, 10)).toMatch('NLL NaN');
  });

  test('accepts a weak net that is better than guessing, also with two classes', () => {
    expect(degenerate(score(0.15), 10)).toBeUndefined();
    expect(degenerate(score(0.7, 400), 2)).toBeUndefined();
  });
});

describe('promotes', () => {
  test('always promotes under the policy always, also a worse student', () => {
    expect(promotes('always', score(0.7), score(0.8))).toBe(true);
  });

  test('keeps the anchor under the policy if-better when the student is not better', () => {
    expect(promotes('if-better', score(0.8), score(0.8))).toBe(false);
    expect(promotes('if-better', score(0.801), score(0.8))).toBe(true);
    expect(promotes('if-better', score(0.3), undefined)).toBe(true);
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
          expect(curriculumOver(students(...all), { ...curriculum, patience })).toBe(true);
        },
      ),
    );
  });

  test('comes after as many generations without gain as the patience says', () => {
    const patient = { ...curriculum, patience: 2 };
    expect(curriculumOver(students(0.8, 0.805), patient)).toBe(false);
    expect(curriculumOver(students(0.8, 0.805, 0.809), patient)).toBe(true);
    expect(curriculumOver(students(0.8, 0.805, 0.81), patient)).toBe(false);
  });
});

describe('bestGeneration', () => {
  test('is undefined before a generation has ended', () => {
    expect(bestGeneration([])).toBeUndefined();
  });

  test('is the earliest with the highest validation accuracy', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1 }), (tenths) => {
        const accuracies = tenths.map((tenth) => tenth / 10);
        expect(bestGeneration(students(...accuracies))).toBe(accuracies.indexOf(Math.max(...accuracies)));
      }),
    );
  });
});
