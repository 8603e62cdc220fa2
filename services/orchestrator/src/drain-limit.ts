import { TrikdError } from '@trikd/core/errors';
import type { GenerationAttempt } from '@trikd/core/position';
import type { TrainerLink } from './ports.js';

/** How often a limit that came too late for one trainer is tried with a later step. */
const TRIES = 5;
/** Steps between the foremost trainer's present step and the one it is asked to rest before. */
const MARGIN = 2;

/**
 * Makes trainers rest soon, all before the same step, and never beyond `limit`, where something is decided.
 * Returns that step.
 */
export async function drainLimit(
  trainers: readonly TrainerLink[],
  attempt: GenerationAttempt,
  limit: number,
): Promise<number> {
  for (let tries = 1; ; tries++) {
    const next = await Promise.all(trainers.map((trainer) => trainer.nextStep()));
    const wanted = Math.max(...next) + MARGIN * tries;
    if (wanted >= limit) return limit;
    const answers = await Promise.allSettled(trainers.map((trainer) => trainer.setLimit(attempt, wanted)));
    const refusals = answers.flatMap((answer): unknown[] => (answer.status === 'rejected' ? [answer.reason] : []));
    if (refusals.length === 0) return wanted;
    const late = refusals.every((refusal) => refusal instanceof TrikdError && refusal.kind === 'wrong-state');
    if (!late || tries === TRIES) throw refusals[0];
  }
}
