import type { RunSpec } from '../spec/run-spec.js';

/** The length of a generation and of its parts, in steps. */
export interface GenerationLength {
  /** Steps of the whole budget. */
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
}

/** Accuracies are quotients of integers: what two of them differ by is known to about this much. */
const ROUNDING = 1e-12;

/** How many of the last values brought no gain of at least `minDelta` over the best before them. */
export function sinceGain(accuracies: readonly number[], minDelta: number): number {
  let reference = Number.NEGATIVE_INFINITY;
  let since = 0;
  for (const accuracy of accuracies) {
    if (accuracy > reference && accuracy - reference >= minDelta - ROUNDING) {
      reference = accuracy;
      since = 0;
    } else {
      since += 1;
    }
  }
  return since;
}

/**
 * Whether a generation has converged: `patience` validations of the student in a row were not better.
 * @param accuracies of the student on the validation split, in the order of their steps
 */
export function converged(accuracies: readonly number[], convergence: RunSpec['convergence']): boolean {
  return convergence.patience > 0 && sinceGain(accuracies, convergence.minDelta) >= convergence.patience;
}

/**
 * The step before which both trainers rest next. Without patience nothing is decided inside a generation, and that is
 * its end; with patience it is the next validation. A pure function of the step, so that where trainers rest, and hence
 * where a generation can end, is the same however often it was interrupted.
 * @param step first step that is not yet trained; below `totalSteps`
 */
export function nextLimit(step: number, length: GenerationLength, spec: RunSpec): number {
  if (spec.convergence.patience === 0) return length.totalSteps;
  const every = spec.evaluation.everyEpochs * length.stepsPerEpoch;
  return Math.min(length.totalSteps, (Math.floor(step / every) + 1) * every);
}
