import { TrikdError } from './errors.js';

/** Names one start of one generation of a run. A higher attempt fences out every process of a lower one. */
export interface GenerationAttempt {
  readonly runId: string;
  readonly generation: number;
  readonly attempt: number;
}

/** Names one step of a run. Steps count from 0 in each generation. */
export interface Position extends GenerationAttempt {
  readonly step: number;
}

export function isSameAttempt(a: GenerationAttempt, b: GenerationAttempt): boolean {
  return a.runId === b.runId && a.generation === b.generation && a.attempt === b.attempt;
}

/** Whether `a` is an earlier start of the same run than `b`. Attempts of two runs have no order. */
export function precedes(a: GenerationAttempt, b: GenerationAttempt): boolean {
  if (a.runId !== b.runId) return false;
  return a.generation < b.generation || (a.generation === b.generation && a.attempt < b.attempt);
}

export function nameOf({ runId, generation, attempt }: GenerationAttempt): string {
  return `run ${runId} generation ${generation} attempt ${attempt}`;
}

/** Why an attempt is refused by somebody who has heard of a newer one. */
export function behind(asked: GenerationAttempt, newest: GenerationAttempt): TrikdError {
  return new TrikdError('out-of-step', `${nameOf(asked)} comes after ${nameOf(newest)}`, { asked, newest });
}

/** Why an attempt ends whose place another one takes. */
export function superseded(before: GenerationAttempt, by: GenerationAttempt): TrikdError {
  return new TrikdError('out-of-step', `${nameOf(before)} was superseded by ${nameOf(by)}`, { before, by });
}
