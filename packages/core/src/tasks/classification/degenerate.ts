import type { Score } from '../../domain/score.js';
import { notFinite } from '../check-score.js';
import { metricIn } from '../metric.js';
import type { TaskFacts } from '../task.js';
import { ACCURACY } from './metrics.js';

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
