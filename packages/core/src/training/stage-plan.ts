import { stepsPerEpoch, totalSteps } from '../data/batch.js';
import { TrikdError } from '../domain/errors.js';
import { warmupProblem } from '../spec/run-settings.js';
import type { Budget } from '../stages/stage.js';

/**
 * The steps of one stage at which something besides training happens. Durations are converted to steps only here.
 */
export interface StagePlan {
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** Whether the model is validated after `steps` steps. It always is at the end of the stage. */
  validatesAfter(steps: number): boolean;
  /**
   * Whether a checkpoint is due after `steps` steps. Checkpoints by wall time are not planned: the orchestrator
   * requests them.
   */
  savesAfter(steps: number): boolean;
}

/**
 * @param examples of the training split
 * @throws TrikdError 'invalid' if the warm-up is longer than the stage, which depends on the number of examples
 */
export function stagePlan(budget: Budget, batchSize: number, examples: number): StagePlan {
  const perEpoch = stepsPerEpoch(examples, batchSize);
  const total = totalSteps(examples, batchSize, budget.epochs);
  const problem = warmupProblem(budget.warmupSteps, total);
  if (problem !== undefined) throw new TrikdError('invalid', `warmupSteps: ${problem}`);
  const { everyEpochs, everySteps } = budget.checkpoint;
  const due = (periods: readonly number[]) => (steps: number) =>
    steps > 0 && (steps === total || periods.some((period) => steps % period === 0));
  return {
    totalSteps: total,
    stepsPerEpoch: perEpoch,
    validatesAfter: due([budget.evaluation.everyEpochs * perEpoch]),
    savesAfter: due([everyEpochs * perEpoch, ...(everySteps === undefined ? [] : [everySteps])]),
  };
}
