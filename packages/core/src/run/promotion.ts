import type { BestParams } from '../domain/role-checkpoint.js';
import type { Score } from '../domain/score.js';
import type { RunSpec } from '../spec/run-spec.js';
import { sinceGain } from './convergence.js';

/** Guessing scores further above chance than this many standard deviations about once in 700 times. */
const STANDARD_DEVIATIONS = 3;

/**
 * Why a candidate cannot be the anchor, or undefined when it can: its score is not finite, or its accuracy is within three
 * standard deviations of guessing among `classes` (a collapsed net gives one answer to every image, NLL = ln classes).
 * A fixed multiple of 1/classes would refuse good students of two classes and accept collapsed students of a hundred.
 */
export function degenerate(validation: Score, classes: number): string | undefined {
  const { accuracy, nll, examples } = validation;
  if (!Number.isFinite(accuracy) || !Number.isFinite(nll)) {
    return `its validation score is not finite: accuracy ${accuracy}, NLL ${nll}`;
  }
  const chance = 1 / classes;
  const threshold = chance + STANDARD_DEVIATIONS * Math.sqrt((chance * (1 - chance)) / examples);
  if (accuracy > threshold) return undefined;
  return `it answers like chance: accuracy ${accuracy.toFixed(4)} on ${examples} validation images of ${classes} classes`;
}

/**
 * Whether a candidate that is not degenerate becomes the anchor.
 * @param anchor score of the current anchor on the same validation split; absent in generation 0
 */
export function promotes(
  policy: RunSpec['curriculum']['promotion'],
  candidate: Score,
  anchor: Score | undefined,
): boolean {
  return policy === 'always' || anchor === undefined || candidate.accuracy > anchor.accuracy;
}

/** The best validated student of each generation that has ended, in order. */
export type StudentResults = readonly { readonly student: BestParams }[];

/** Whether no generation follows: the budget is used up, or `patience` generations in a row brought no gain. */
export function curriculumOver(results: StudentResults, curriculum: RunSpec['curriculum']): boolean {
  if (results.length >= curriculum.generations) return true;
  const accuracies = results.map(({ student }) => student.validation.accuracy);
  return curriculum.patience > 0 && sinceGain(accuracies, curriculum.minDelta) >= curriculum.patience;
}

/** The generation with the best validated student, the earliest of equals; undefined before the first has ended. */
export function bestGeneration(results: StudentResults): number | undefined {
  let best: number | undefined;
  for (const [generation, { student }] of results.entries()) {
    const leader = best === undefined ? undefined : results[best]?.student.validation.accuracy;
    if (leader === undefined || student.validation.accuracy > leader) best = generation;
  }
  return best;
}
