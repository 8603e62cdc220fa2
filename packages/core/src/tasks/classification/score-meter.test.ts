import { describe, expect, test } from 'vitest';
import { classificationMeter } from './score-meter.js';

/** x becomes 1664525 x + 1013904223 modulo 2³²; the upper 16 bits are the number. */
function* numbers(seed: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x = (1664525 * x + 1013904223) % 2 ** 32;
    yield Math.floor(x / 2 ** 16);
  }
}

const [ROWS, CLASSES] = [40, 7];

/** Logits (n mod 1001) / 125 - 4, row by row; then labels: the largest logit for an even n, otherwise floor(n / 2) mod 7. */
function example() {
  const drawn = numbers(7);
  const logits = Float32Array.from({ length: ROWS * CLASSES }, () => (drawn.next().value % 1001) / 125 - 4);
  const labels = Uint8Array.from({ length: ROWS }, (_, row) => {
    const n = drawn.next().value;
    const own = Array.from(logits.subarray(row * CLASSES, (row + 1) * CLASSES));
    return n % 2 === 0 ? own.indexOf(Math.max(...own)) : Math.floor(n / 2) % CLASSES;
  });
  return { logits, labels };
}

/** A row for each answer: the probability of class 0, which is the label or not. */
function twoClasses(answers: readonly (readonly [confidence: number, isRight: boolean])[]) {
  const logits = Float32Array.from(answers.flatMap(([confidence]) => [Math.log(confidence / (1 - confidence)), 0]));
  return { logits, labels: Uint8Array.from(answers, ([, isRight]) => (isRight ? 0 : 1)) };
}

function scoreOf({ logits, labels }: ReturnType<typeof example>, classes: number) {
  const meter = classificationMeter(classes);
  meter.add(logits, labels);
  return meter.score();
}

describe('the score of a classifier', () => {
  // NumPy 2.4, in float64, of the same logits and labels: P = softmax; bins (i/15, (i+1)/15] of P.max(1); the sum over bins of
  // mean(in bin) * |mean(correct in bin) - mean(confidence in bin)|; labels among argsort(-P, kind='stable')[:5].
  test('has the numbers that NumPy computes', () => {
    const { metrics, examples } = scoreOf(example(), CLASSES);
    expect(examples).toBe(ROWS);
    expect(metrics['accuracy']).toBe(0.525);
    expect(metrics['nll']).toBeCloseTo(2.1192443408441215, 12);
    expect(metrics['ece']).toBeCloseTo(0.1979037421274259, 12);
    expect(metrics['top5']).toBe(0.825);
  });

  test('does not depend on how the rows are split into batches', () => {
    const { logits, labels } = example();
    const meter = classificationMeter(CLASSES);
    for (let row = 0; row < ROWS; row += 16) {
      meter.add(logits.subarray(row * CLASSES), labels.subarray(row, row + 16));
    }
    expect(meter.score()).toEqual(scoreOf({ logits, labels }, CLASSES));
  });

  test('has no calibration error where each confidence is the share of right answers', () => {
    const { ece } = scoreOf(
      twoClasses([
        [0.75, true],
        [0.75, true],
        [0.75, true],
        [0.75, false],
      ]),
      2,
    ).metrics;
    expect(ece).toBeCloseTo(0, 7);
  });

  test('weighs the gap between confidence and accuracy of each bin by its answers', () => {
    const answers = [
      [0.9, false],
      [0.9, true],
      [0.6, true],
      [0.6, true],
    ] as const;
    // |0.5 - 0.9| of one half, |1 - 0.6| of the other.
    expect(scoreOf(twoClasses(answers), 2).metrics['ece']).toBeCloseTo(0.4, 7);
  });

  test('has a top-5 accuracy only with more than five classes', () => {
    const row = (classes: number) => ({ logits: new Float32Array(classes), labels: Uint8Array.of(classes - 1) });
    expect(scoreOf(row(5), 5).metrics).not.toHaveProperty('top5');
    expect(scoreOf(row(6), 6).metrics['top5']).toBe(0);
  });

  test('is not a number where a logit is not', () => {
    const { nll, ece } = scoreOf({ logits: Float32Array.of(Number.NaN, 1), labels: Uint8Array.of(1) }, 2).metrics;
    expect([nll, ece]).toEqual([Number.NaN, Number.NaN]);
  });
});
