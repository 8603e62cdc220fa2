import { type Tensor1D, type Tensor2D, tf } from '@trikd/engine';
import { crossEntropy, numericalGradient, type Rows } from '@trikd/testing/training/reference-losses';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUSED } from '../../losses/objective.js';
import { chanceLoss, MarginSpec, marginLoss, withMargin } from './margin-loss.js';

const CLASSES = 7;

test.each([{ kind: 'softmax' }, { kind: 'cosface' }, { kind: 'arcface' }, { kind: 'arcface', margin: 0.2, scale: 10 }])(
  'chance level of %j is the loss of logits of 0',
  (written) => {
    const spec = MarginSpec.parse(written);
    const loss = tf.tidy(() => {
      const labels = tf.tensor1d([3, 0], 'int32') as Tensor1D;
      return marginLoss(FUSED, tf.zeros([2, CLASSES]), labels, spec).dataSync()[0]!;
    });
    expect(chanceLoss(spec, CLASSES).nats).toBeCloseTo(loss, 4);
  },
);

test('chance level of many identities at a large scale is finite, and says how it is computed', () => {
  const { nats, formula } = chanceLoss(MarginSpec.parse({ kind: 'cosface', scale: 1e4 }), 10_000);
  expect(nats).toBeCloseTo(3500 + Math.log(9999), 9);
  expect(formula).toBe('ln(1 + 9999 e^3500.00)');
  expect(chanceLoss(MarginSpec.parse({ kind: 'softmax' }), 12).formula).toBe('ln(12)');
});

function lossOf(logits: Rows, labels: readonly number[], spec: MarginSpec) {
  return tf.tidy(() => {
    const wanted = tf.tensor1d([...labels], 'int32') as Tensor1D;
    const { value, grad } = tf.valueAndGrad((own) => marginLoss(FUSED, own as Tensor2D, wanted, spec))(
      tf.tensor2d(logits as number[][]),
    );
    return { value: value.dataSync()[0]!, gradient: Array.from(grad.dataSync()) };
  });
}

/** The logit of the right class with its margin, as the papers write it. */
function lowered(logit: number, spec: MarginSpec): number {
  const cosine = logit / spec.scale;
  if (spec.kind === 'softmax') return logit;
  if (spec.kind === 'cosface') return spec.scale * (cosine - spec.margin);
  const angle = Math.acos(cosine);
  const { margin } = spec;
  return spec.scale * (angle + margin < Math.PI ? Math.cos(angle + margin) : cosine - margin * Math.sin(margin));
}

const withMargins = (logits: Rows, labels: readonly number[], spec: MarginSpec): Rows =>
  logits.map((row, i) => row.map((logit, c) => (c === labels[i] ? lowered(logit, spec) : logit)));

const spec = (written: unknown) => MarginSpec.parse(written);
const kinds = ['arcface', 'cosface', 'softmax'] as const;

/** Angles that the float32 of a cosine still tells apart, and not where arcface changes its formula. */
const cosine = fc.double({ min: -0.999, max: 0.999, noNaN: true }).filter((value) => {
  return Math.abs(value - Math.cos(Math.PI - 0.5)) > 1e-3;
});
const batch = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 2, max: 6 })).chain(([rows, classes]) => {
  const row = fc.array(cosine, { minLength: classes, maxLength: classes });
  const many = { minLength: rows, maxLength: rows };
  return fc.record({
    cosines: fc.array(row, many),
    labels: fc.array(fc.integer({ min: 0, max: classes - 1 }), many),
    scale: fc.constantFrom(4, 16, 30),
  });
});

describe.each(kinds)('%s', (kind) => {
  test('is the cross-entropy of the logits, of which the right one has its margin', () => {
    fc.assert(
      fc.property(batch, ({ cosines, labels, scale }) => {
        const own = spec({ kind, scale });
        const logits = cosines.map((row) => row.map((value) => scale * value));
        const expected = crossEntropy(labels, withMargins(logits, labels, own));
        // Float32 knows a cosine to 6e-8, the margin multiplies that by at most sin 0.5 / sin θ.
        expect(Math.abs(lossOf(logits, labels, own).value - expected)).toBeLessThanOrEqual(2e-5 * scale);
      }),
    );
  });

  test('has the gradient of finite differences', () => {
    fc.assert(
      fc.property(batch, ({ cosines, labels, scale }) => {
        const own = spec({ kind, scale });
        const logits = cosines.map((row) => row.map((value) => scale * value));
        const expected = numericalGradient((moved) => crossEntropy(labels, withMargins(moved, labels, own)), logits);
        const { gradient } = lossOf(logits, labels, own);
        for (const [i, g] of gradient.entries()) expect(Math.abs(g - expected[i]!)).toBeLessThanOrEqual(1e-3);
      }),
    );
  });

  test.each([1, -1, 1 + 2 ** -23, 0])('is finite, and so is its gradient, at a cosine of %d', (value) => {
    const own = spec({ kind });
    const { value: loss, gradient } = lossOf([[64 * value, 0, -64]], [0], own);
    expect(Number.isFinite(loss)).toBe(true);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });
});

test('near a cosine of 1 the gradient of arcface is that of its formula', () => {
  // A distance of 2^-18: cos θ is exact in float32, and sin θ 2.8e-3.
  const value = 1 - 2 ** -18;
  const own = spec({ kind: 'arcface', scale: 1 });
  const expected = numericalGradient((moved) => crossEntropy([0], withMargins(moved, [0], own)), [[value, 0]], 1e-8);
  const { gradient } = lossOf([[value, 0]], [0], own);
  for (const [i, g] of gradient.entries()) expect(Math.abs(g / expected[i]! - 1)).toBeLessThanOrEqual(1e-3);
});

test('beyond the largest cosine the right class has no gradient of its own', () => {
  const { gradient } = lossOf([[64, 60]], [0], spec({ kind: 'arcface' }));
  expect(gradient[0]).toBe(0);
  expect(gradient[1]).toBeGreaterThan(0);
});

test('a margin of 0 is normalised softmax', () => {
  const [logits, labels] = [[[1, -2, 3]], [1]];
  const plain = lossOf(logits, labels, spec({ kind: 'softmax', scale: 4 }));
  for (const kind of ['arcface', 'cosface']) {
    const { value, gradient } = lossOf(logits, labels, spec({ kind, margin: 0, scale: 4 }));
    expect(value).toBeCloseTo(plain.value, 5);
    for (const [i, g] of gradient.entries()) expect(g).toBeCloseTo(plain.gradient[i]!, 5);
  }
});

test('a margin lowers the logit of the label and no other, however large the angle', () => {
  for (const kind of ['arcface', 'cosface']) {
    for (const right of [-3.9, -3.6, 0, 3.9]) {
      const moved = tf.tidy(() => {
        const logits = tf.tensor2d([[right, 1, -4]]);
        return Array.from(
          withMargin(FUSED, logits, tf.tensor1d([0], 'int32') as Tensor1D, spec({ kind, scale: 4 })).dataSync(),
        );
      });
      expect(moved[0]).toBeLessThan(right);
      expect(moved.slice(1)).toEqual([1, -4]);
    }
  }
});
