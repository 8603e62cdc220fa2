import { stepsPerEpoch, totalSteps } from '../data/batch-plan.js';
import type { RunSpec } from '../spec.js';

/** The steps of one generation at which something happens besides training. Durations become steps here and nowhere else. */
export interface GenerationPlan {
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** Whether the model is validated after so many steps. The end of the generation always is. */
  validatesAfter(steps: number): boolean;
  /** Whether a checkpoint is due after so many steps. */
  savesAfter(steps: number): boolean;
}

/** @param examples of the training split */
export function generationPlan(spec: RunSpec, examples: number): GenerationPlan {
  const perEpoch = stepsPerEpoch(examples, spec.batchSize);
  const total = totalSteps(examples, spec.batchSize, spec.epochs);
  const every = (epochs: number) => (steps: number) =>
    steps > 0 && (steps === total || steps % (epochs * perEpoch) === 0);
  return {
    totalSteps: total,
    stepsPerEpoch: perEpoch,
    validatesAfter: every(spec.evaluation.everyEpochs),
    savesAfter: every(spec.checkpoint.everyEpochs),
  };
}
