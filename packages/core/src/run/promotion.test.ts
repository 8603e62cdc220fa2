import type { WrittenSpec } from '@trikd/testing/specs/presets';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Score } from '../domain/role-checkpoint.js';
import { RunSpec } from '../spec/run-spec.js';
import { ACCURACY, NLL } from '../tasks/classification/metrics.js';
import { bestStage, promotes, runOver } from './promotion.js';

const score = (accuracy: number, examples = 2000): Score => ({ metrics: { accuracy, nll: 0.7 }, examples });
const ifBetter = { promotion: 'if-better', primary: ACCURACY } as const;

const model = { kind: 'plain-cnn' as const, channels: [4] };
/** A spec with the models that its method uses. */
function specOf(method: WrittenSpec['method'], changes: Partial<WrittenSpec> = {}): RunSpec {
  const teacher = method !== 'born-again' && { teacher: { model } };
  const least = { name: 'law', data: { kind: 'synthetic' as const }, epochs: 2, student: { model }, ...teacher };
  return RunSpec.parse({ ...least, ...(method !== undefined && { method }), ...changes });
}
const trikd = (curriculum: WrittenSpec['curriculum'] = {}) => specOf('trikd', { curriculum });

const learner = (validation: Score) => ({
  best: { step: 1, validation, params: { key: 'p', sha256: 'ab', bytes: 1 } },
});
const trained = (name: string, accuracy: number) => ({ learners: { [name]: learner(score(accuracy)) } });
const students = (...accuracies: number[]) => accuracies.map((accuracy) => trained('student', accuracy));
const byNll = (...values: number[]) =>
  values.map((nll) => ({ learners: { student: learner({ metrics: { nll }, examples: 8 }) } }));

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

describe('runOver', () => {
  const five = { generations: 5, minDelta: 0.01 };

  test('comes with the last stage of the budget at the latest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5 }),
        fc.nat(4),
        (all, patience) => {
          expect(runOver(students(...all), trikd({ ...five, patience }))).toBe(true);
        },
      ),
    );
  });

  test('comes after as many generations without gain as the patience says', () => {
    const patient = trikd({ ...five, patience: 2 });
    expect(runOver(students(0.8, 0.805), patient)).toBe(false);
    expect(runOver(students(0.8, 0.805, 0.809), patient)).toBe(true);
    expect(runOver(students(0.8, 0.805, 0.81), patient)).toBe(false);
    expect(runOver(byNll(0.8, 0.79, 0.7), patient, { primary: NLL })).toBe(false);
    expect(runOver(byNll(0.8, 0.805, 0.81), patient, { primary: NLL })).toBe(true);
  });

  test('comes after the last stage of a method without generations, whatever the patience', () => {
    const kd = specOf('kd', { curriculum: { patience: 1 } });
    expect(runOver([trained('teacher', 0.9)], kd)).toBe(false);
    expect(runOver([trained('teacher', 0.9), trained('student', 0.8)], kd)).toBe(true);
    const takd = specOf('takd', { curriculum: { patience: 1 }, assistants: [{ model }, { model }] });
    const chain = ['teacher', 'assistant-1', 'assistant-2', 'student'].map((name) => trained(name, 0.5));
    expect(chain.map((_, ended) => runOver(chain.slice(0, ended), takd))).toEqual([false, false, false, false]);
    expect(runOver(chain, takd)).toBe(true);
  });

  test('comes after generations without gain in a method without promotions', () => {
    const bornAgain = specOf('born-again', { curriculum: { ...five, patience: 1 } });
    expect(runOver(students(0.8, 0.82), bornAgain)).toBe(false);
    expect(runOver(students(0.8, 0.805), bornAgain)).toBe(true);
  });

  test('counts no stage that is not a generation of the student', () => {
    const after = specOf({ kind: 'trikd', firstAnchor: 'kd' }, { curriculum: { ...five, patience: 1 } });
    expect(runOver([trained('teacher', 0.9), ...students(0.8)], after)).toBe(false);
    expect(runOver([trained('teacher', 0.9), ...students(0.8, 0.82, 0.84, 0.86)], after)).toBe(false);
    expect(runOver([trained('teacher', 0.9), ...students(0.8, 0.805)], after)).toBe(true);
    expect(runOver([trained('teacher', 0.9), ...students(0.8, 0.82, 0.84, 0.86, 0.88)], after)).toBe(true);
  });
});

describe('bestStage', () => {
  test('is undefined before a stage has ended', () => {
    expect(bestStage([], trikd())).toBeUndefined();
    const after = specOf({ kind: 'trikd', firstAnchor: 'kd' });
    expect(bestStage([trained('teacher', 0.9)], after)).toBeUndefined();
  });

  test('is the earliest stage with the best validation, the highest or the lowest by the metric', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 }), (tenths) => {
        const values = tenths.map((tenth) => tenth / 10);
        const [highest, lowest] = [Math.max, Math.min].map((most) => values.indexOf(most(...values)));
        for (const spec of [trikd({ generations: 5 }), specOf('born-again', { curriculum: { generations: 5 } })]) {
          expect(bestStage(students(...values), spec)).toBe(highest);
          expect(bestStage(byNll(...values), spec, { primary: NLL })).toBe(lowest);
        }
      }),
    );
  });

  test('is no stage that comes before the generations, however good its learner is', () => {
    const after = specOf({ kind: 'trikd', firstAnchor: 'kd' });
    expect(bestStage([trained('teacher', 0.9), ...students(0.7, 0.8, 0.75)], after)).toBe(2);
  });

  test('is the last stage of a method without generations once that has ended, however good the teacher is', () => {
    const kd = specOf('kd');
    expect(bestStage([trained('teacher', 0.9)], kd)).toBeUndefined();
    expect(bestStage([trained('teacher', 0.9), trained('student', 0.8)], kd)).toBe(1);
  });
});
