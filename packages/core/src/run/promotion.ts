import type { BestParams, Score } from '../domain/role-checkpoint.js';
import type { RunSpec } from '../spec/run-spec.js';
import { stagesOf } from '../stages/stages-of.js';
import { isBetter, type Metric, metricIn } from '../tasks/metric.js';
import type { Task } from '../tasks/task.js';
import { taskOf } from '../tasks/task-of.js';
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

/** What the stages that have ended came to, in order. A learner that was not validated decides nothing. */
export type StageResults = readonly {
  readonly learners: Readonly<Record<string, { readonly best?: BestParams | undefined }>>;
}[];

type Deciding = Pick<Task, 'primary'>;

/** How the decisive learner of each generation that has ended validated best, with the index of its stage. */
function generationsOf(results: StageResults, spec: RunSpec) {
  return stagesOf(spec).flatMap(({ index, generation, decisive }) => {
    const best = generation === undefined ? undefined : results[index]?.learners[decisive]?.best;
    return best ? [{ index, validation: best.validation }] : [];
  });
}

/**
 * Whether no stage follows: the last one has ended, or `patience` generations in a row brought no gain.
 * @param primary the metric that decides
 */
export function runOver(results: StageResults, spec: RunSpec, { primary }: Deciding = taskOf(spec)): boolean {
  if (results.length >= stagesOf(spec).length) return true;
  const { patience, minDelta } = spec.curriculum;
  const values = generationsOf(results, spec).map(({ validation }) => metricIn(validation, primary));
  return patience > 0 && sinceGain(values, { better: primary.better, minDelta }) >= patience;
}

/**
 * The stage whose decisive learner is the result of the run so far: the best generation, the earliest of equals; of a run without
 * generations, the last stage. Undefined before one of them has ended.
 * @param primary the metric that decides
 */
export function bestStage(
  results: StageResults,
  spec: RunSpec,
  { primary }: Deciding = taskOf(spec),
): number | undefined {
  const stages = stagesOf(spec);
  if (stages.every(({ generation }) => generation === undefined)) {
    return results.length === stages.length ? stages.length - 1 : undefined;
  }
  let best: { readonly index: number; readonly validation: Score } | undefined;
  for (const each of generationsOf(results, spec)) {
    if (isBetter(primary, each.validation, best?.validation)) best = each;
  }
  return best?.index;
}
