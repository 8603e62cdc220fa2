import { plainSoftmaxCrossEntropy, type Scalar, type Tensor1D, type Tensor2D, tf } from '@trikd/engine';
import { describe, expect, test } from 'vitest';
import { dependsOnTemperature } from '../spec/term-spec.js';
import { INITIAL_THETA, learnedTemperature, reversalAt } from './learned-temperature.js';
import { LOSSES, LossSpec, lossValue } from './registry.js';

describe('a learned temperature', () => {
  const at = (theta: number, knobs = {}) =>
    tf.tidy(() => learnedTemperature(tf.scalar(theta), { learned: true, ...knobs }).dataSync()[0]!);

  test('starts from the published 1 + 20 · sigmoid(1)', () => {
    expect(at(INITIAL_THETA)).toBeCloseTo(1 + 20 / (1 + Math.exp(-1)), 5);
  });

  test.each([
    [{}, 1, 21],
    [{ from: 2, range: 6 }, 2, 8],
  ])('stays in its range, whatever theta is: %j', (knobs, least, most) => {
    expect(at(-100, knobs)).toBeCloseTo(least, 5);
    expect(at(0, knobs)).toBeCloseTo((least + most) / 2, 5);
    expect(at(100, knobs)).toBeCloseTo(most, 5);
  });
});

describe('the reversal of the gradient', () => {
  const by = (rampEpochs?: number) => (epoch: number) =>
    reversalAt({ learned: true, ...(rampEpochs !== undefined && { rampEpochs }) }, epoch);

  test('rises on half a cosine over ten epochs, counted from 1, and stays at 1', () => {
    const published = (epoch: number) => (1 - Math.cos((Math.PI * epoch) / 10)) / 2;
    for (let epoch = 1; epoch <= 10; epoch++) expect(by()(epoch - 1)).toBeCloseTo(published(epoch), 12);
    expect([9, 10, 500].map(by())).toEqual([1, 1, 1]);
  });

  test('is whole from the first epoch on with a ramp of one', () => {
    expect([0, 1].map(by(1))).toEqual([1, 1]);
  });
});

/** Where the temperature of a term is learned, every loss is differentiated by it: through the learner's side and the target's. */
describe.each(LOSSES.map(({ kind }) => LossSpec.parse({ kind })))(
  'the gradient of $kind by the temperature',
  (spec) => {
    const T = 3;
    const valueAt = (temperature: Scalar) =>
      lossValue(spec, {
        logits: tf.tensor2d([
          [2, -1, 0.5, 0.1],
          [0, 3, 1, -2],
          [1, 1, -1, 2],
        ]) as Tensor2D,
        target: tf.tensor2d([
          [1, 0, 4, -1],
          [0.5, 2, -1, 1],
          [3, -1, 0, 1],
        ]) as Tensor2D,
        labels: tf.tensor1d([2, 1, 0], 'int32') as Tensor1D,
        temperature,
        ops: { tf, softmaxCrossEntropy: plainSoftmaxCrossEntropy },
      });
    const lossAt = (temperature: number) => tf.tidy(() => valueAt(tf.scalar(temperature)).dataSync()[0]!);
    const differences = (lossAt(1.05 * T) - lossAt(0.95 * T)) / (0.1 * T);

    if (!dependsOnTemperature(spec)) {
      test('is none: it does not depend on it', () => expect(differences).toBe(0));
      return;
    }

    test('is that of finite differences', () => {
      const gradient = tf.tidy(
        () =>
          tf
            .grad((x) => valueAt(x as Scalar))(tf.scalar(T))
            .dataSync()[0]!,
      );
      expect(Math.abs(differences)).toBeGreaterThan(1e-3);
      expect(Math.abs(gradient / differences - 1)).toBeLessThanOrEqual(0.02);
    });
  },
);
