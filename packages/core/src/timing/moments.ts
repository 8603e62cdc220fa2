import { peerOf, type Role } from '../domain/role.js';
import type { PhaseKind, RoleStep, StepPhase } from './role-step.js';

/** All moments of a step; `StepMoment` explains them. */
export const STEP_MOMENTS = [
  'data',
  'forward',
  'await-anchor',
  'publish',
  'await-peer',
  'backward',
  'next-data',
  'next-data-done',
  'done',
] as const;

/**
 * A point in a step. Each moment starts a phase and ends the one before; only `next-data` starts a phase in parallel,
 * which `next-data-done` ends. The first moment of a step starts it; `done` ends it.
 */
export type StepMoment = (typeof STEP_MOMENTS)[number];

/** Receives every moment of every step as it happens. Training does not depend on it. */
export type StepListener = (step: number, moment: StepMoment) => void;

/** A moment and its time in milliseconds. */
export interface TimedMoment {
  readonly moment: StepMoment;
  readonly at: number;
}

/**
 * The phases of a step, from its moments. Times are relative to the first moment. A phase without an end ends at the
 * last moment.
 */
export function phasesOf(role: Role, moments: readonly TimedMoment[]): readonly StepPhase[] {
  const begun = moments[0]?.at ?? 0;
  const end = moments.at(-1)?.at ?? 0;
  const phases: StepPhase[] = [];
  for (const [index, { moment, at }] of moments.entries()) {
    const phase = phaseOf(role, moment);
    if (!phase) continue;
    const ends = (other: TimedMoment) => endsWith(moment, other.moment);
    const until = moments.slice(index + 1).find(ends)?.at ?? end;
    phases.push({ ...phase, offset: at - begun, duration: until - at });
  }
  return phases;
}

/**
 * A step from its moments.
 * @param moments at least one
 */
export function roleStepOf(role: Role, step: number, moments: readonly TimedMoment[]): RoleStep {
  const started = moments[0]?.at ?? 0;
  const duration = (moments.at(-1)?.at ?? started) - started;
  return { role, step, started, duration, phases: phasesOf(role, moments) };
}

function phaseOf(role: Role, moment: StepMoment): { readonly kind: PhaseKind; readonly peer?: Role } | undefined {
  switch (moment) {
    case 'data':
    case 'forward':
    case 'publish':
    case 'backward':
      return { kind: moment };
    case 'next-data':
      return { kind: 'data' };
    case 'await-anchor':
      return { kind: 'wait', peer: 'anchor' };
    case 'await-peer':
      return { kind: 'wait', peer: role === 'anchor' ? 'anchor' : peerOf(role) };
    case 'next-data-done':
    case 'done':
      return undefined;
  }
}

/** A parallel phase neither ends the phase it overlaps nor is ended by the next one. */
function endsWith(moment: StepMoment, later: StepMoment): boolean {
  if (moment === 'next-data') return later === 'next-data-done';
  return later !== 'next-data' && later !== 'next-data-done';
}
