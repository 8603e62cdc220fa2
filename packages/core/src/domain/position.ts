import { TrikdError } from './errors.js';

/** Identifies one start of one generation of a run. A higher attempt fences out all processes of a lower one. */
export interface GenerationAttempt {
  readonly runId: string;
  readonly generation: number;
  readonly attempt: number;
}

/** Identifies one step of a run. Steps count from 0 in each generation. */
export interface Position extends GenerationAttempt {
  readonly step: number;
}

export function isSameAttempt(a: GenerationAttempt, b: GenerationAttempt): boolean {
  return a.runId === b.runId && a.generation === b.generation && a.attempt === b.attempt;
}

/** Whether `a` is an earlier start than `b` of the same run. Attempts of different runs are unordered. */
export function precedes(a: GenerationAttempt, b: GenerationAttempt): boolean {
  if (a.runId !== b.runId) return false;
  return a.generation < b.generation || (a.generation === b.generation && a.attempt < b.attempt);
}

export function nameOf({ runId, generation, attempt }: GenerationAttempt): string {
  return `run ${runId} generation ${generation} attempt ${attempt}`;
}

/** Rejects an attempt because a newer one was requested. */
export function behind(asked: GenerationAttempt, newest: GenerationAttempt): TrikdError {
  return new TrikdError('out-of-step', `${nameOf(asked)} comes after ${nameOf(newest)}`, { asked, newest });
}

/** Ends an attempt because a newer one replaces it. */
export function superseded(before: GenerationAttempt, by: GenerationAttempt): TrikdError {
  return new TrikdError('out-of-step', `${nameOf(before)} was superseded by ${nameOf(by)}`, { before, by });
}

/** The three models of a generation. */
export const ROLES = ['teacher', 'student', 'anchor'] as const;
export type Role = (typeof ROLES)[number];

/** The two roles that train. */
export type TrainedRole = 'teacher' | 'student';

/** The other trained role, seen from one of the two. */
export function peerOf(role: TrainedRole): TrainedRole {
  return role === 'teacher' ? 'student' : 'teacher';
}
