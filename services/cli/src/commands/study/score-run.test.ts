import { expect, test } from 'vitest';
import { atTemperature, bestTemperature } from './score-run.js';

/** Two classes; of rows with the logit ln 3, three of four have label 0: their probabilities are right. */
const calibrated = { logits: Float32Array.from([1, 2, 3, 4].flatMap(() => [Math.log(3), 0])), labels: [0, 0, 0, 1] };

test('the temperature of calibrated logits is 1, and of logits that are n times larger n', () => {
  expect(bestTemperature(calibrated)).toBeCloseTo(1, 3);
  const { logits, labels } = calibrated;
  expect(bestTemperature({ logits: logits.map((logit) => 2.5 * logit), labels })).toBeCloseTo(2.5, 3);
  expect(bestTemperature({ logits: logits.map((logit) => 0.5 * logit), labels })).toBeCloseTo(0.5, 3);
});

test('logits without an error get the coldest temperature that is tried', () => {
  expect(bestTemperature({ logits: Float32Array.of(1, 0, 0, 1), labels: [0, 1] })).toBeCloseTo(0.05, 4);
});

test('a temperature divides the logits', () => {
  expect([...atTemperature(Float32Array.of(4, -2), 2)]).toEqual([2, -1]);
});
