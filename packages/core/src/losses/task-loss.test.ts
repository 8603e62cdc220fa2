import { type Tensor1D, type Tensor2D, tf } from '@trikd/engine';
import { crossEntropy, numericalGradient, type Rows } from '@trikd/testing/training/reference-losses';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUSED } from './objective.js';
import { taskLoss } from './task-loss.js';

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
