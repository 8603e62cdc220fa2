import { type Scalar, softmaxCrossEntropy, type Tensor1D, type Tensor2D, tf } from '@trikd/engine';
import {
  crossEntropy,
  klToTarget,
  numericalGradient,
  type Rows,
  softmax,
} from '@trikd/testing/training/reference-losses';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distillationLoss, taskLoss } from './loss.js';
import { FUSED } from './objective.js';

describe('distillation loss', () => {
  /** The value and its gradient with respect to the logits, by tfjs. */
  function lossOf(logits: Rows, target: Rows, temperature: number) {
    return tf.tidy(() => {
      const [fixed, T] = [tf.tensor2d(target as number[][]), tf.scalar(temperature)];
      const f = (own: Tensor2D): Scalar => distillationLoss({ tf, softmaxCrossEntropy }, own, fixed, T);
      const { value, grad } = tf.valueAndGrad((own) => f(own as Tensor2D))(tf.tensor2d(logits as number[][]));
      return { value: value.dataSync()[0]!, gradient: Array.from(grad.dataSync()) };
    });
  }

  const logit = fc.double({ min: -10, max: 10, noNaN: true });
  const temperature = fc.double({ min: 0.5, max: 8, noNaN: true });
  const rowsOf = (rows: number, classes: number) =>
    fc.array(fc.array(logit, { minLength: classes, maxLength: classes }), { minLength: rows, maxLength: rows });
  /** Logits and a target of one shape. */
  const pair = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 2, max: 6 }))
    .chain(([rows, classes]) => fc.tuple(rowsOf(rows, classes), rowsOf(rows, classes)));

  /** What float32 leaves of a loss: terms of at most |logit| / T are summed, then multiplied by T². */
  const rounding = (T: number) => 2e-5 * T * T * Math.max(1, 20 / T);

  describe('distillationLoss', () => {
    test('is T² · KL(target ‖ own), summed over classes, averaged over rows', () => {
      fc.assert(
        fc.property(pair, temperature, ([logits, target], T) => {
          const expected = T * T * klToTarget(target, logits, T);
          expect(Math.abs(lossOf(logits, target, T).value - expected)).toBeLessThanOrEqual(
            rounding(T) + 1e-5 * expected,
          );
        }),
      );
    });

    test('is never negative', () => {
      fc.assert(
        fc.property(pair, temperature, ([logits, target], T) => {
          expect(lossOf(logits, target, T).value).toBeGreaterThanOrEqual(-rounding(T));
        }),
      );
    });

    test('is zero at the target, with no gradient, and positive away from it', () => {
      fc.assert(
        fc.property(pair, temperature, fc.double({ min: 0.5, max: 3, noNaN: true }), ([logits], T, apart) => {
          const { value, gradient } = lossOf(logits, logits, T);
          expect(Math.abs(value)).toBeLessThanOrEqual(rounding(T));
          expect(Math.max(...gradient.map(Math.abs))).toBeLessThanOrEqual(1e-6 * T);
          // Moves one logit of a row whose classes are all likely.
          const level = logits.map((row) => row.map((x) => x / 20));
          const moved = level.map((row) => row.map((x, c) => (c === 0 ? x + apart : x)));
          expect(lossOf(moved, level, T).value).toBeGreaterThan(0.01);
        }),
      );
    });

    test('does not change when a constant is added to a row of either side', () => {
      fc.assert(
        fc.property(pair, temperature, logit, ([logits, target], T, constant) => {
          const shifted = (rows: Rows) => rows.map((row, i) => row.map((x) => x + constant * (i + 1)));
          const { value, gradient } = lossOf(logits, target, T);
          const both = lossOf(shifted(logits), shifted(target), T);
          // The sums of float32 numbers of this size are known to 1e-5.
          expect(Math.abs(both.value - value)).toBeLessThanOrEqual(5 * rounding(T) + 1e-4 * value);
          expect(Math.max(...both.gradient.map((g, i) => Math.abs(g - gradient[i]!)))).toBeLessThanOrEqual(5e-5 * T);
        }),
      );
    });

    test('has the gradient T · (softmax(logits / T) - softmax(target / T)) / rows', () => {
      fc.assert(
        fc.property(pair, temperature, ([logits, target], T) => {
          const expected = logits.flatMap((row, i) => {
            const wanted = softmax(target[i]!, T);
            return softmax(row, T).map((p, c) => (T * (p - wanted[c]!)) / logits.length);
          });
          const { gradient } = lossOf(logits, target, T);
          expect(Math.max(...gradient.map((g, i) => Math.abs(g - expected[i]!)))).toBeLessThanOrEqual(1e-5 * T);
        }),
      );
    });

    test('has the gradient of finite differences', () => {
      fc.assert(
        fc.property(pair, temperature, ([logits, target], T) => {
          const expected = numericalGradient((own) => T * T * klToTarget(target, own, T), logits);
          const { gradient } = lossOf(logits, target, T);
          expect(Math.max(...gradient.map((g, i) => Math.abs(g - expected[i]!)))).toBeLessThanOrEqual(2e-5 * T);
        }),
      );
    });

    test('keeps the size of its gradient as the temperature grows: centred logits over the classes', () => {
      const [logits, target] = [[[2, -1, 0.5, 0]], [[-1, 1, 1, 3]]];
      const centred = ([row]: Rows) => row!.map((x) => x - row!.reduce((a, b) => a + b, 0) / row!.length);
      const expected = centred(logits).map((x, c) => (x - centred(target)[c]!) / 4);
      for (const T of [100, 400]) {
        const { gradient } = lossOf(logits, target, T);
        expect(Math.max(...gradient.map((g, c) => Math.abs(g - expected[c]!)))).toBeLessThanOrEqual(10 / T);
      }
    });

    test('takes every row for the same share, whatever the batch', () => {
      const [one, other, target] = [
        [3, 0, -2],
        [0, 1, 1],
        [1, 1, 1],
      ];
      const single = [one, other].map((row) => lossOf([row], [target], 2).value);
      const both = lossOf([one, other], [target, target], 2).value;
      expect(both).toBeCloseTo((single[0]! + single[1]!) / 2, 5);
      expect(lossOf([one, one, one], [target, target, target], 2).value).toBeCloseTo(single[0]!, 5);
    });

    test('stays finite for logits that overflow an exponential', () => {
      const { value, gradient } = lossOf([[1000, -1000]], [[-1000, 1000]], 1);
      expect(value).toBeCloseTo(2000, 2);
      expect(gradient).toEqual([1, -1]);
    });
  });
});

describe('task loss', () => {
  function lossOf(logits: Rows, labels: readonly number[]) {
    return tf.tidy(() => {
      const wanted = tf.tensor1d([...labels], 'int32') as Tensor1D;
      const { value, grad } = tf.valueAndGrad((own) => taskLoss(FUSED, own as Tensor2D, wanted))(
        tf.tensor2d(logits as number[][]),
      );
      return { value: value.dataSync()[0]!, gradient: Array.from(grad.dataSync()) };
    });
  }

  const batch = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 2, max: 6 })).chain(([rows, classes]) => {
    const row = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: classes, maxLength: classes });
    const label = fc.integer({ min: 0, max: classes - 1 });
    const many = { minLength: rows, maxLength: rows };
    return fc.record({ logits: fc.array(row, many), labels: fc.array(label, many) });
  });

  describe('taskLoss', () => {
    test('is the mean of -ln softmax(logits)[label]', () => {
      fc.assert(
        fc.property(batch, ({ logits, labels }) => {
          const expected = crossEntropy(labels, logits);
          expect(Math.abs(lossOf(logits, labels).value - expected)).toBeLessThanOrEqual(1e-5 * (1 + expected));
        }),
      );
    });

    test('has the gradient of finite differences', () => {
      fc.assert(
        fc.property(batch, ({ logits, labels }) => {
          const expected = numericalGradient((own) => crossEntropy(labels, own), logits);
          const { gradient } = lossOf(logits, labels);
          expect(Math.max(...gradient.map((g, i) => Math.abs(g - expected[i]!)))).toBeLessThanOrEqual(1e-5);
        }),
      );
    });

    test('is ln(classes) for a model that says nothing', () => {
      expect(lossOf([[7, 7, 7, 7, 7]], [3]).value).toBeCloseTo(Math.log(5), 6);
    });

    test('stays finite for a label that is all but impossible', () => {
      const { value, gradient } = lossOf([[1000, -1000]], [1]);
      expect(value).toBe(2000);
      expect(gradient).toEqual([1, -1]);
    });
  });
});
