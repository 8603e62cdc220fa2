import { TrikdError } from './errors.js';

/** Identifies one start of one stage of a run. A higher attempt fences out all processes of a lower one. */
export interface StageAttempt {
  readonly runId: string;
  readonly stage: number;
  readonly attempt: number;
}

/** Identifies one step of a run. Steps count from 0 in each stage. */
export interface Position extends StageAttempt {
  readonly step: number;
}

export function isSameAttempt(a: StageAttempt, b: StageAttempt): boolean {
  return a.runId === b.runId && a.stage === b.stage && a.attempt === b.attempt;
}

/** Whether `a` is an earlier start than `b` of the same run. Attempts of different runs are unordered. */
export function precedes(a: StageAttempt, b: StageAttempt): boolean {
  if (a.runId !== b.runId) return false;
  return a.stage < b.stage || (a.stage === b.stage && a.attempt < b.attempt);
}

export function nameOf({ runId, stage, attempt }: StageAttempt): string {
  return `run ${runId} stage ${stage} attempt ${attempt}`;
}

/** Rejects an attempt because a newer one was requested. */
export function behind(asked: StageAttempt, newest: StageAttempt): TrikdError {
  return new TrikdError('out-of-step', `${nameOf(asked)} comes after ${nameOf(newest)}`, { asked, newest });
}

/** Ends an attempt because a newer one replaces it. */
export function superseded(before: StageAttempt, by: StageAttempt): TrikdError {
  return new TrikdError('out-of-step', `${nameOf(before)} was superseded by ${nameOf(by)}`, { before, by });
}

/** The three models of a stage. */
export const ROLES = ['teacher', 'student', 'anchor'] as const;
export type Role = (typeof ROLES)[number];

/** The two roles that train. */
export type TrainedRole = 'teacher' | 'student';

/** The other trained role, seen from one of the two. */
export function peerOf(role: TrainedRole): TrainedRole {
  return role === 'teacher' ? 'student' : 'teacher';
}
