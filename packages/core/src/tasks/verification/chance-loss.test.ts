import { type Tensor1D, tf } from '@trikd/engine';
import { expect, test } from 'vitest';
import { FUSED } from '../../losses/objective.js';
import { chanceLoss } from './chance-loss.js';
import { marginLoss } from './margin-loss.js';
import { MarginSpec } from './margin-spec.js';

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
