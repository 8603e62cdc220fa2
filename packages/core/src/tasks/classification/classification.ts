import { z } from 'zod';
import type { Score } from '../../domain/role-checkpoint.js';
import { taskLoss } from '../../losses/loss.js';
import { notFinite } from '../check-score.js';
import { metricIn } from '../metric.js';
import { defineTask, type Task, type TaskFacts } from '../task.js';
import { classDetailsMeter } from './class-details.js';
import { ACCURACY, CLASSIFICATION_METRICS } from './metrics.js';
import { classificationMeter } from './score-meter.js';

/** Each example belongs to one of a fixed number of classes; a logit for each class. */
export const classification: Task = {
  kind: 'classification',
  metrics: CLASSIFICATION_METRICS,
  primary: ACCURACY,
  labels: 'classes',
  head: ({ classes }) => [{ kind: 'dense', name: 'classifier', units: classes }],
  loss: ({ logits, labels, mix, ops }) => taskLoss(ops, logits, labels, mix),
  chance: ({ classes }) => ({ nats: Math.log(classes), formula: `ln(${classes})` }),
  assertMeasurable: () => undefined,
  meter({ classes }) {
    const meter = classificationMeter(classes);
    return { add: ({ logits }, labels) => meter.add(logits!, labels), score: async () => meter.score() };
  },
  details({ classes }) {
    const meter = classDetailsMeter(classes);
    return { add: ({ logits }, labels) => meter.add(logits!, labels), details: meter.details };
  },
  ofBatch: (correct, rows) => ({ [ACCURACY.name]: correct / rows }),
  degenerate,
};

export const classificationTask = defineTask({
  settings: z.strictObject({
    kind: z.literal('classification').describe('which of the classes an image shows, the default'),
  }),
  task: () => classification,
});

/** Guessing scores further above chance than this many standard deviations about once in 700 times. */
const STANDARD_DEVIATIONS = 3;

/**
 * Why a model has learned nothing, or undefined when it has: its score is not finite, or its accuracy is within three
 * standard deviations of guessing among `classes` (a collapsed net gives one answer to every image, NLL = ln classes).
 * A fixed multiple of 1/classes would refuse good students of two classes and accept collapsed students of a hundred.
 */
export function degenerate(validation: Score, { classes }: TaskFacts): string | undefined {
  const infinite = notFinite(validation);
  if (infinite !== undefined) return `its validation score is not finite: ${infinite}`;
  const { examples } = validation;
  const accuracy = metricIn(validation, ACCURACY);
  const chance = 1 / classes;
  const threshold = chance + STANDARD_DEVIATIONS * Math.sqrt((chance * (1 - chance)) / examples);
  if (accuracy > threshold) return undefined;
  return `it answers like chance: accuracy ${accuracy.toFixed(4)} on ${examples} validation images of ${classes} classes`;
}
