import { TrikdError } from '../domain/errors.js';
import { behind, type GenerationAttempt, isSameAttempt, nameOf, precedes } from '../domain/position.js';

/** What orders a model service to work on an attempt. */
export interface Order {
  readonly attempt: GenerationAttempt;
  /** Of the orchestrator that gives the order. Leaders of the same store have different terms. */
  readonly term: number;
}

/**
 * How long an order fences out earlier ones after its orchestrator was last heard. Shorter than the pauses between the attempts that an
 * orchestrator makes before a run fails, so that an order that nobody stands behind cannot make a run fail.
 */
export const ORDER_SECONDS = 10;

export function isSameOrder(a: Order, b: Order): boolean {
  return a.term === b.term && isSameAttempt(a.attempt, b.attempt);
}

/**
 * Rejects an order of an orchestrator that was replaced, and one that was overtaken by a later order of the same orchestrator. The term
 * comes first: a later leader may have restored older records of the run.
 * @param active the latest order; undefined when it fences out nothing any more
 * @throws TrikdError 'out-of-step'
 */
export function assertNotFenced(order: Order, active: Order | undefined): void {
  if (!active || order.term > active.term) return;
  if (order.term < active.term) {
    throw new TrikdError(
      'out-of-step',
      `${nameOf(order.attempt)} is ordered in term ${order.term}, another orchestrator leads in term ${active.term}`,
      { asked: order.term, active: active.term },
    );
  }
  if (precedes(order.attempt, active.attempt)) throw behind(order.attempt, active.attempt);
}
