import type { GenerationAttempt } from '@trikd/core/domain/position';
import { commonStep } from './common-step.js';
import type { TrainerLink } from './ports.js';

/**
 * Makes trainers rest soon, all before the same step, and never beyond `limit`, where something is decided.
 * Returns that step.
 */
export function drainLimit(
  trainers: readonly TrainerLink[],
  attempt: GenerationAttempt,
  limit: number,
): Promise<number> {
  return commonStep(trainers, limit, (trainer, step) => trainer.setLimit(attempt, step));
}
