import { TrikdError } from '@trikd/core/domain/errors';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { TrainerLink } from '../ports.js';

/** How often a step that came too late for one trainer is replaced by a later one. */
const TRIES = 5;
/** Steps between the present step of the foremost trainer and the one that is requested; grows with each try. */
const MARGIN = 2;

/** Stops trainers soon, all before the same step, and at the latest at their limit, where something is decided. Returns that step. */
export function stopTogether(
  trainers: readonly TrainerLink[],
  attempt: GenerationAttempt,
  limit: number,
): Promise<number> {
  return atCommonStep(trainers, limit, (trainer, step) => trainer.setLimit(attempt, step));
}

/** Makes trainers save soon, all at the same step, while they train on. Returns that step: at their limit they save anyway. */
export function saveTogether(
  trainers: readonly TrainerLink[],
  attempt: GenerationAttempt,
  limit: number,
): Promise<number> {
  return atCommonStep(trainers, limit, (trainer, step) => trainer.saveAt(attempt, step));
}

/**
 * Requests something of trainers at one step that none of them has begun; when one of them was faster, at a later one. Requests nothing
 * from `limit` on. Returns the step that all of them have accepted, or `limit`.
 * @param request throws TrikdError `wrong-state` when the trainer may have begun the step
 * @throws another error of a trainer; `wrong-state` when the trainers stay faster
 */
async function atCommonStep(
  trainers: readonly TrainerLink[],
  limit: number,
  request: (trainer: TrainerLink, step: number) => Promise<void>,
): Promise<number> {
  for (let tries = 1; ; tries++) {
    const next = await Promise.all(trainers.map((trainer) => trainer.nextStep()));
    const step = Math.max(...next) + MARGIN * tries;
    if (step >= limit) return limit;
    const responses = await Promise.allSettled(trainers.map((trainer) => request(trainer, step)));
    const refusals = responses.flatMap((response): unknown[] =>
      response.status === 'rejected' ? [response.reason] : [],
    );
    if (refusals.length === 0) return step;
    const late = refusals.every((refusal) => refusal instanceof TrikdError && refusal.kind === 'wrong-state');
    if (!late || tries === TRIES) throw refusals[0];
  }
}
