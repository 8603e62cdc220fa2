import { z } from 'zod';
import type { Score } from '../../domain/role-checkpoint.js';
import { Size } from '../../spec/fields.js';
import { notFinite } from '../check-score.js';
import { ACCURACY } from '../classification/metrics.js';
import { metricIn } from '../metric.js';
import { defineTask, type Task } from '../task.js';
import { chanceLoss, MarginSpec, marginLoss } from './margin-loss.js';
import { ACCEPT_RATES, IDENTIFIED, VERIFICATION_METRICS } from './metrics.js';
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

/** Pairs of one identity among all. */
const HALF = 0.5;

/**
 * Why a model has learned nothing, or undefined when it has: its score is not finite, or its embeddings are all equal. All pairs are
 * then equally similar: no threshold accepts a pair without accepting all, and half of the pairs are judged rightly, exactly.
 */
export function degenerate(validation: Score): string | undefined {
  const infinite = notFinite(validation);
  if (infinite !== undefined) return `its validation score is not finite: ${infinite}`;
  const accepts = ACCEPT_RATES.some(({ metric }) => (validation.metrics[metric.name] ?? 0) > 0);
  if (accepts || metricIn(validation, ACCURACY) !== HALF) return undefined;
  return `its embeddings of ${validation.examples} validation images are all equal`;
}
