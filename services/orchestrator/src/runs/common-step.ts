import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainerLink } from './ports.js';

/** How often a step that came too late for one trainer is tried again with a later one. */
const TRIES = 5;
/** Steps between the foremost trainer's present step and the one that is asked for. */
const MARGIN = 2;

/**
 * Asks trainers for something at one step that none of them has begun, soon, and tries a later one when one of them was too fast.
 * Asks for nothing from `limit` on, where all of them rest anyway. Returns the step that all have agreed to, or `limit`.
 * @param ask throws TrikdError 'wrong-state' when the trainer may have begun the step
 * @throws what a trainer refused otherwise, or 'wrong-state' when they cannot be caught
 */
export async function commonStep(
  trainers: readonly TrainerLink[],
  limit: number,
  ask: (trainer: TrainerLink, step: number) => Promise<void>,
): Promise<number> {
  for (let tries = 1; ; tries++) {
    const next = await Promise.all(trainers.map((trainer) => trainer.nextStep()));
    const wanted = Math.max(...next) + MARGIN * tries;
    if (wanted >= limit) return limit;
    const answers = await Promise.allSettled(trainers.map((trainer) => ask(trainer, wanted)));
    const refusals = answers.flatMap((answer): unknown[] => (answer.status === 'rejected' ? [answer.reason] : []));
    if (refusals.length === 0) return wanted;
    const late = refusals.every((refusal) => refusal instanceof TrikdError && refusal.kind === 'wrong-state');
    if (!late || tries === TRIES) throw refusals[0];
  }
}
