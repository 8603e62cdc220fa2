import { stepsPerEpoch, totalSteps } from '../data/batch-plan.js';
import { TrikdError } from '../errors.js';
import { type RunSpec, warmupProblem } from '../spec.js';

/** The steps of one generation at which something happens besides training. Durations become steps here and nowhere else. */
export interface GenerationPlan {
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** Whether the model is validated after so many steps. The end of the generation always is. */
  validatesAfter(steps: number): boolean;
  /** Whether a checkpoint is due after so many steps. Those by wall time are not planned: the orchestrator asks for them. */
  savesAfter(steps: number): boolean;
}

/**
 * @param examples of the training split
 * @throws TrikdError 'invalid' when the warm-up is longer than the generation, which only the number of examples tells
 */
export function generationPlan(spec: RunSpec, examples: number): GenerationPlan {
  const perEpoch = stepsPerEpoch(examples, spec.batchSize);
  const total = totalSteps(examples, spec.batchSize, spec.epochs);
  const problem = warmupProblem(spec.warmupSteps, total);
  if (problem !== undefined) throw new TrikdError('invalid', `warmupSteps: ${problem}`);
  const { everyEpochs, everySteps } = spec.checkpoint;
  const due = (periods: readonly number[]) => (steps: number) =>
    steps > 0 && (steps === total || periods.some((period) => steps % period === 0));
  return {
    totalSteps: total,
    stepsPerEpoch: perEpoch,
    validatesAfter: due([spec.evaluation.everyEpochs * perEpoch]),
    savesAfter: due([everyEpochs * perEpoch, ...(everySteps === undefined ? [] : [everySteps])]),
  };
}
