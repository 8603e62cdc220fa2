import { z } from 'zod';
import { taskLoss } from '../../losses/task-loss.js';
import { defineTask } from '../define-task.js';
import type { Task } from '../task.js';
import { classDetailsMeter } from './class-details.js';
import { degenerate } from './degenerate.js';
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
