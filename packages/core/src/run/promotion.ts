import type { BestParams } from '../domain/role-checkpoint.js';
import type { Score } from '../domain/score.js';
import type { RunSpec } from '../spec/run-spec.js';
import { isBetter, type Metric, metricIn } from '../tasks/metric.js';
import { sinceGain } from './convergence.js';

/**
 * Whether a candidate that is not degenerate becomes the anchor.
 * @param anchor score of the current anchor on the same validation split; absent in a generation without an anchor
 */
export function promotes(
  { promotion, primary }: { readonly promotion: RunSpec['curriculum']['promotion']; readonly primary: Metric },
  candidate: Score,
  anchor: Score | undefined,
): boolean {
  return promotion === 'always' || isBetter(primary, candidate, anchor);
}

/** The best validated student of each generation that has ended, in order. */
export type StudentResults = readonly { readonly student: BestParams }[];

/** Whether no generation follows: the budget is used up, or `patience` generations in a row brought no gain. */
export function curriculumOver(results: StudentResults, curriculum: RunSpec['curriculum'], primary: Metric): boolean {
  if (results.length >= curriculum.generations) return true;
  const values = results.map(({ student }) => metricIn(student.validation, primary));
  const { patience, minDelta } = curriculum;
  return patience > 0 && sinceGain(values, { better: primary.better, minDelta }) >= patience;
}

/** The generation with the best validated student, the earliest of equals; undefined before the first has ended. */
export function bestGeneration(results: StudentResults, primary: Metric): number | undefined {
  let best: number | undefined;
  for (const [generation, { student }] of results.entries()) {
    const leader = best === undefined ? undefined : results[best]?.student.validation;
    if (isBetter(primary, student.validation, leader)) best = generation;
  }
  return best;
}
