import type { GenerationAttempt } from '@trikd/core/position';

export function isSameAttempt(a: GenerationAttempt, b: GenerationAttempt): boolean {
  return a.runId === b.runId && a.generation === b.generation && a.attempt === b.attempt;
}

/** Whether `a` is an earlier start of the same run than `b`. Attempts of two runs have no order. */
export function precedes(a: GenerationAttempt, b: GenerationAttempt): boolean {
  if (a.runId !== b.runId) return false;
  return a.generation < b.generation || (a.generation === b.generation && a.attempt < b.attempt);
}
