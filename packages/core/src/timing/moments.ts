import { peerOf, type Role } from '../domain/position.js';
import type { PhaseKind, RoleStep, StepPhase } from './role-step.js';

/** All moments of a step; `StepMoment` explains them. */
const STEP_MOMENTS = [
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

/**
 * The moments of the latest steps, in typed arrays rather than objects, so that memory is constant once the ring is
 * full.
 */
export interface MomentRing {
  /** Adds a moment. A new step takes the place of the one `capacity` steps earlier. */
  keep(step: number, moments: readonly TimedMoment[]): void;
  /** Whether a step is still in the ring. */
  has(step: number): boolean;
  /** The moments of a step that is still in the ring. */
  find(step: number): readonly TimedMoment[] | undefined;
}

const CODES: ReadonlyMap<StepMoment, number> = new Map(STEP_MOMENTS.map((moment, code) => [moment, code]));
/** Moments per step that the ring has room for: each of them once, and one more. */
const ROOM = STEP_MOMENTS.length + 1;
/** Steps for which memory is allocated at once. */
const PAGE = 64;

interface Page {
  readonly steps: Float64Array;
  readonly counts: Uint8Array;
  readonly codes: Uint8Array;
  readonly times: Float64Array;
}

function newPage(): Page {
  return {
    steps: new Float64Array(PAGE).fill(-1),
    counts: new Uint8Array(PAGE),
    codes: new Uint8Array(PAGE * ROOM),
    times: new Float64Array(PAGE * ROOM),
  };
}

/** @param capacity steps, about 100 bytes each */
export function createMomentRing(capacity: number): MomentRing {
  const pages = new Map<number, Page>();
  const placeOf = (step: number) => {
    const slot = step % capacity;
    return { page: Math.floor(slot / PAGE), slot: slot % PAGE };
  };
  /** Index of a step that is still in the ring. */
  const kept = (step: number) => {
    const { page: number, slot } = placeOf(step);
    const page = pages.get(number);
    return page?.steps[slot] === step ? { page, slot } : undefined;
  };
  return {
    keep(step, moments) {
      const place = placeOf(step);
      const page = pages.get(place.page) ?? newPage();
      pages.set(place.page, page);
      const first = place.slot * ROOM;
      // The last moment is the end of the step.
      const fitting = moments.length <= ROOM ? moments : [...moments.slice(0, ROOM - 1), ...moments.slice(-1)];
      for (const [index, { moment, at }] of fitting.entries()) {
        page.codes[first + index] = CODES.get(moment) ?? 0;
        page.times[first + index] = at;
      }
      page.counts[place.slot] = fitting.length;
      page.steps[place.slot] = step;
    },
    has: (step) => kept(step) !== undefined,
    find(step) {
      const place = kept(step);
      if (!place) return undefined;
      const { page, slot } = place;
      const first = slot * ROOM;
      return Array.from({ length: page.counts[slot] ?? 0 }, (_, index) => ({
        moment: STEP_MOMENTS[page.codes[first + index] ?? 0] ?? 'done',
        at: page.times[first + index] ?? 0,
      }));
    },
  };
}
