import { expect, test } from 'vitest';
import { classDetailsMeter } from './class-details.js';
import { ECE } from './metrics.js';
import { classificationMeter } from './score-meter.js';

/** A row of logits whose softmax is these probabilities. */
const row = (...probabilities: readonly number[]) => probabilities.map((each) => Math.log(each));

/** Seven images of three classes; no image is of class 2, and one is taken for it. */
const logits = Float32Array.from(
  [
    row(0.7, 0.2, 0.1),
    row(0.9, 0.05, 0.05),
    row(0.3, 0.6, 0.1),
    row(0.2, 0.1, 0.7),
    row(0.1, 0.8, 0.1),
    row(0.5, 0.4, 0.1),
    row(0.25, 0.7, 0.05),
  ].flat(),
);
const labels = Uint8Array.of(0, 0, 0, 0, 1, 1, 1);

function details() {
  const meter = classDetailsMeter(3);
  meter.add(logits.subarray(0, 12), labels.subarray(0, 4));
  // A row of padding has no label.
  meter.add(Float32Array.of(...logits.subarray(12), 9, 0, 0), labels.subarray(4));
  return meter.details();
}

test('the confusion counts each answer to the images of each class', () => {
  expect(details().confusion).toEqual([
    { label: 0, answer: 0, examples: 2 },
    { label: 0, answer: 1, examples: 1 },
    { label: 0, answer: 2, examples: 1 },
    { label: 1, answer: 0, examples: 1 },
    { label: 1, answer: 1, examples: 2 },
  ]);
});

test('precision, recall and F1 are those of one class against the others; a share of nothing is absent', () => {
  const [zero, one, two] = details().classes;
  expect(zero).toEqual({ label: 0, support: 4, precision: 2 / 3, recall: 2 / 4, f1: 4 / 7 });
  expect(one).toEqual({ label: 1, support: 3, precision: 2 / 3, recall: 2 / 3, f1: 4 / 6 });
  expect(two).toEqual({ label: 2, support: 0, precision: 0, f1: 0 });
});

test('wrong answers come in the order of how improbable the label was', () => {
  const { worst } = details();
  expect(worst.map(({ index, label, answer }) => [index, label, answer])).toEqual([
    [3, 0, 2],
    [2, 0, 1],
    [5, 1, 0],
  ]);
  expect(worst[0]?.nll).toBeCloseTo(-Math.log(0.2), 6);
  expect(worst[0]?.confidence).toBeCloseTo(0.7, 6);
});

test('of each class the twelve worst are kept', () => {
  const meter = classDetailsMeter(2);
  const wrong = Array.from({ length: 40 }, (_, i) => [((i * 7) % 40) + 1, 0]);
  meter.add(Float32Array.from(wrong.flat()), new Uint8Array(40).fill(1));
  const { worst } = meter.details();
  expect(worst.map(({ index }) => wrong[index]?.[0])).toEqual(Array.from({ length: 12 }, (_, i) => 40 - i));
});

test('the distance of confidence and share of right answers over the bins is the calibration error of the score', () => {
  const { calibration } = details();
  expect(calibration.map(({ examples }) => examples)).toEqual([1, 1, 3, 1, 1]);
  expect(calibration[2]?.confidence).toBeCloseTo(0.7, 6);
  expect(calibration[2]?.right).toBeCloseTo(2 / 3, 12);
  const score = classificationMeter(3);
  score.add(logits, labels);
  const error = calibration.reduce(
    (sum, { examples, confidence, right }) => sum + examples * Math.abs(right - confidence),
    0,
  );
  expect(error / 7).toBeCloseTo(score.score().metrics[ECE.name] ?? Number.NaN, 12);
});
