import type { Task } from '../task.js';
import { degenerate } from './degenerate.js';
import { ACCURACY, CLASSIFICATION_METRICS } from './metrics.js';
import { classificationMeter } from './score-meter.js';

/** Each example belongs to one of a fixed number of classes; a logit for each class. */
export const classification: Task = {
  kind: 'classification',
  metrics: CLASSIFICATION_METRICS,
  primary: ACCURACY,
  meter: ({ classes }) => classificationMeter(classes),
  ofBatch: (correct, rows) => ({ [ACCURACY.name]: correct / rows }),
  degenerate,
};
