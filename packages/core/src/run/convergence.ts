import type { Budget } from '../stages/stage.js';
import { gainOver, type Metric } from '../tasks/metric.js';

/** The length of a stage and of its parts, in steps. */
export interface StageLength {
  /** Steps of the whole budget. */
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
}

/** Rounding error of the difference of two shares, which are quotients of integers. */
const ROUNDING = 1e-12;

/** All that convergence needs of a series of validations, however many there were. */
export interface ConvergenceState {
  /** The last value of the primary metric that was a gain; absent before the first. */
  readonly best?: number;
  /** Validations since then. */
  readonly sinceGain: number;
}

/** Before the first validation. */
export const NOT_VALIDATED: ConvergenceState = { sinceGain: 0 };

/** What counts as a gain. */
export interface GainRule {
  readonly better: Metric['better'];
  readonly minDelta: number;
}

/** The state after further validations. @param values of the primary metric, in the order of their steps */
export function afterValidations(
  before: ConvergenceState,
  values: readonly number[],
  rule: GainRule,
): ConvergenceState {
  if (values.length === 0) return before;
  let { best, sinceGain } = before;
  for (const value of values) {
    const gain = best === undefined ? value - Number.NEGATIVE_INFINITY : gainOver(rule.better, value, best);
    const counts = gain > 0 && gain >= rule.minDelta - ROUNDING;
    best = counts ? value : best;
    sinceGain = counts ? 0 : sinceGain + 1;
  }
  return { sinceGain, ...(best !== undefined && { best }) };
}

/** How many of the last values brought no gain of at least `minDelta` over the best before them. */
export function sinceGain(values: readonly number[], rule: GainRule): number {
  return afterValidations(NOT_VALIDATED, values, rule).sinceGain;
}

/** Whether a stage has converged: `patience` validations of its decisive learner in a row were not better. */
export function converged(state: ConvergenceState, { patience }: Budget['convergence']): boolean {
  return patience > 0 && state.sinceGain >= patience;
}

/**
 * The step before which all trainers stop next: the end of the stage without patience, since nothing is decided inside it, and
 * the next validation with patience. It is a pure function of the step, so that a stage ends at the same step however often it
 * was interrupted.
 * @param step first step that is not trained yet; below `totalSteps`
 */
export function nextLimit(step: number, length: StageLength, budget: Budget): number {
  if (budget.convergence.patience === 0) return length.totalSteps;
  const every = budget.evaluation.everyEpochs * length.stepsPerEpoch;
  return Math.min(length.totalSteps, (Math.floor(step / every) + 1) * every);
}
