import { z } from 'zod';
import { Size } from '../../spec/numbers.js';
import { ACCURACY } from '../classification/metrics.js';
import { defineTask } from '../define-task.js';
import type { Task } from '../task.js';
import { chanceLoss } from './chance-loss.js';
import { degenerate } from './degenerate.js';
import { marginLoss } from './margin-loss.js';
import { MarginSpec } from './margin-spec.js';
import { IDENTIFIED, VERIFICATION_METRICS } from './metrics.js';
import { assertPairs } from './pairs.js';
import { pairDetailsMeter, verificationMeter } from './score-meter.js';

const Settings = z.strictObject({
  kind: z
    .literal('verification')
    .describe('whether two images show one identity; the identities of validation and test are new to the model'),
  margin: MarginSpec.prefault({ kind: 'arcface' }),
  embedding: Size.default(128).describe('numbers of the embedding of an image'),
});

/**
 * Identities are compared by the cosine of embeddings. In training the identities are classes: the logits are s · cos θ, which models
 * exchange and distil, and the margin is in the task loss alone.
 */
export function verification({ margin, embedding }: z.output<typeof Settings>): Task {
  return {
    kind: 'verification',
    metrics: VERIFICATION_METRICS,
    primary: ACCURACY,
    labels: 'identities',
    head: ({ classes }) => [
      { kind: 'embedding', name: 'embedding', units: embedding },
      { kind: 'cosine', name: 'identities', units: classes, scale: margin.scale },
    ],
    loss: ({ logits, labels, ops }) => marginLoss(ops, logits, labels, margin),
    chance: ({ classes }) => chanceLoss(margin, classes),
    assertMeasurable: assertPairs,
    meter: (_facts, split) => verificationMeter(split, embedding),
    details: (_facts, split) => pairDetailsMeter(split, embedding),
    ofBatch: (correct, rows) => ({ [IDENTIFIED.name]: correct / rows }),
    degenerate,
  };
}

export const verificationTask = defineTask({ settings: Settings, task: verification });
