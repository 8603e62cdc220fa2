import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { converged, nextLimit, sinceGain } from './convergence.js';

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };

function specWith(patience: number, everyEpochs: number): RunSpec {
  return RunSpec.parse({
    name: 'law',
    data: { kind: 'synthetic' },
    epochs: 10,
    student: role,
    teacher: role,
    evaluation: { everyEpochs },
    convergence: { patience },
  });
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
    expect(sinceGain(accuracies, minDelta)).toBe(since);
  });
});

describe('converged', () => {
  test('never happens without patience', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (accuracies) => {
        expect(converged(accuracies, { patience: 0, minDelta: 0 })).toBe(false);
      }),
    );
  });

  test('happens at the validation that uses up the patience, not before', () => {
    const convergence = { patience: 2, minDelta: 0 };
    expect(converged([0.5, 0.6, 0.6], convergence)).toBe(false);
    expect(converged([0.5, 0.6, 0.6, 0.6], convergence)).toBe(true);
  });
});

describe('nextLimit', () => {
  const length = { totalSteps: 30, stepsPerEpoch: 3 };

  test('is the end of the generation without patience', () => {
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
