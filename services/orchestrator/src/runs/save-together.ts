import type { GenerationAttempt } from '@trikd/core/domain/position';
import { commonStep } from './common-step.js';
import type { TrainerLink } from './ports.js';

/**
 * Makes trainers save soon, all at the same step, while they train on. Returns that step; it is `limit`, where they save anyway, when
 * they are about to rest there.
 */
export function saveTogether(
  trainers: readonly TrainerLink[],
  attempt: GenerationAttempt,
  limit: number,
): Promise<number> {
  return commonStep(trainers, limit, (trainer, step) => trainer.saveAt(attempt, step));
}
