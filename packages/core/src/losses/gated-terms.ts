import type { TermSpec } from '../spec/role-spec.js';
import type { GateSpec } from '../spec/term-spec.js';

/** What decides in each step whether a term takes part; undefined: it always does. */
export function gateOf(term: TermSpec): GateSpec | undefined {
  return term.kind === 'distillation' ? term.gate : undefined;
}

/**
 * Backward passes of a step: one for the whole objective, unless gates compare gradients by the params. Then the task terms have one, each
 * hint with such a gate has one, and all other hints share one.
 */
export function backwardPasses(terms: readonly TermSpec[]): number {
  const hints = terms.filter(({ kind }) => kind === 'distillation');
  const apart = hints.filter((term) => gateOf(term)?.kind === 'params-similarity').length;
  if (apart === 0) return 1;
  return 1 + apart + (apart < hints.length ? 1 : 0);
}
