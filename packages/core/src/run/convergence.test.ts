import { specFor } from '@trikd/testing/specs/spec-for';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunSpec } from '../spec/run-spec.js';
import { afterValidations, converged, NOT_VALIDATED, nextLimit, sinceGain } from './convergence.js';

const higher = (minDelta: number) => ({ better: 'higher' as const, minDelta });

function specWith(patience: number, everyEpochs: number): RunSpec {
  return specFor('bare', { name: 'law', epochs: 10, evaluation: { everyEpochs }, convergence: { patience } });
}

/** How many of the last accuracies lie behind the best of those before, from the whole list. */
function behind(all: readonly number[], minDelta: number): number {
  let reference = Number.NEGATIVE_INFINITY;
  let last = -1;
  for (const [index, accuracy] of all.entries()) {
    if (accuracy <= reference || accuracy - reference < minDelta - 1e-12) continue;
    reference = accuracy;
    last = index;
  }
  return all.length - 1 - last;
}

describe('sinceGain', () => {
  test.each([
    { accuracies: [], minDelta: 0, since: 0 },
    { accuracies: [0.5], minDelta: 0, since: 0 },
    { accuracies: [0.5, 0.5, 0.5], minDelta: 0, since: 2 },
    { accuracies: [0.5, 0.6, 0.55], minDelta: 0, since: 1 },
    { accuracies: [0.5, 0.504, 0.508], minDelta: 0.005, since: 0 },
    { accuracies: [0.5, 0.504, 0.504], minDelta: 0.005, since: 2 },
    { accuracies: [0.8, 0.801], minDelta: 0.001, since: 0 },
    { accuracies: [0.8, Number.NaN], minDelta: 0, since: 1 },
  ])('$accuracies with a gain of $minDelta is $since behind', ({ accuracies, minDelta, since }) => {
    expect(sinceGain(accuracies, { better: 'higher', minDelta })).toBe(since);
  });

  test('counts a fall as the gain of a metric of which less is better', () => {
    const lower = { better: 'lower' as const, minDelta: 0.1 };
    expect(sinceGain([2, 1.5, 1.45], lower)).toBe(1);
    expect(sinceGain([2, 1.5, 1.4], lower)).toBe(0);
    expect(sinceGain([2, 2.5, 3], lower)).toBe(2);
    expect(afterValidations(NOT_VALIDATED, [2, 1.5, 1.7], lower)).toEqual({ best: 1.5, sinceGain: 1 });
  });
});

describe('converged', () => {
  test('never happens without patience', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (accuracies) => {
        expect(converged(afterValidations(NOT_VALIDATED, accuracies, higher(0)), { patience: 0, minDelta: 0 })).toBe(
          false,
        );
      }),
    );
  });

  test('happens at the validation that uses up the patience, not before', () => {
    const after = (accuracies: readonly number[]) =>
      converged(afterValidations(NOT_VALIDATED, accuracies, higher(0)), { patience: 2, minDelta: 0 });
    expect(after([0.5, 0.6, 0.6])).toBe(false);
    expect(after([0.5, 0.6, 0.6, 0.6])).toBe(true);
  });

  test('decides from what was kept at any validation, read back from the store, as from all of them', () => {
    const accuracies = fc.array(
      fc.integer({ min: 0, max: 20 }).map((of20) => of20 / 20),
      { maxLength: 40 },
    );
    const minDelta = fc.constantFrom(0, 0.05, 0.1, 0.3);
    fc.assert(
      fc.property(accuracies, fc.nat(40), minDelta, fc.nat(5), (all, cut, minDelta, patience) => {
        const kept = afterValidations(NOT_VALIDATED, all.slice(0, cut), higher(minDelta));
        const resumed = afterValidations(JSON.parse(JSON.stringify(kept)), all.slice(cut), higher(minDelta));
        expect(converged(resumed, { patience, minDelta })).toBe(patience > 0 && behind(all, minDelta) >= patience);
      }),
    );
  });
});

describe('nextLimit', () => {
  const length = { totalSteps: 30, stepsPerEpoch: 3 };

  test('is the end of the stage without patience', () => {
    expect(nextLimit(7, length, specWith(0, 2))).toBe(30);
  });

  test('is the next validation with patience', () => {
    expect([0, 5, 6, 24, 29].map((step) => nextLimit(step, length, specWith(1, 2)))).toEqual([6, 6, 12, 30, 30]);
  });

  test('lies above the step and does not depend on where below it training was resumed', () => {
    fc.assert(
      fc.property(fc.nat(29), fc.nat(29), fc.integer({ min: 1, max: 11 }), (a, b, everyEpochs) => {
        const spec = specWith(3, everyEpochs);
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(nextLimit(high, length, spec)).toBeGreaterThan(high);
        if (high < nextLimit(low, length, spec)) {
          expect(nextLimit(high, length, spec)).toBe(nextLimit(low, length, spec));
        }
      }),
    );
  });
});
