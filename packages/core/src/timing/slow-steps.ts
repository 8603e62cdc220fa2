import type { TrainedRole } from '../domain/position.js';
import type { RoleStep } from './role-step.js';
import { spreadOf } from './step-times.js';

/** One step of the trainers, and of the anchor if known. */
export interface TrioStep {
  readonly step: number;
  /** From the earliest start to the latest end of the trainers, in milliseconds. */
  readonly duration: number;
  readonly roles: readonly RoleStep[];
}

/** A step that took much longer than its neighbours. */
export interface SlowStep extends TrioStep {
  /** Median of its neighbours, in milliseconds. */
  readonly usual: number;
}

/** The steps that all trainers have finished, in order. @param trainers those with a learner */
export function trioSteps(steps: readonly RoleStep[], trainers: readonly TrainedRole[]): readonly TrioStep[] {
  const byStep = new Map<number, RoleStep[]>();
  for (const each of steps) byStep.set(each.step, [...(byStep.get(each.step) ?? []), each]);
  return [...byStep.entries()]
    .filter(([, roles]) => trainers.every((role) => roles.some((each) => each.role === role)))
    .toSorted(([a], [b]) => a - b)
    .map(([step, roles]) => {
      const trained = roles.filter(({ role }) => role !== 'anchor');
      const begun = Math.min(...trained.map(({ started }) => started));
      const ended = Math.max(...trained.map(({ started, duration }) => started + duration));
      return { step, duration: ended - begun, roles };
    });
}

/**
 * A slow step takes at least this many times as long as the median, and this many milliseconds longer, since steps of a
 * few milliseconds vary a lot.
 */
const TIMES = 2;
const LONGER = 10;
/** With fewer neighbours no step is called slow. */
const NEIGHBOURS = 8;

/** The slowest of the steps from `from` on, if it took much longer than the other `steps`. */
export function slowestStep(steps: readonly TrioStep[], from: number): SlowStep | undefined {
  if (steps.length <= NEIGHBOURS) return undefined;
  const slowest = steps.filter(({ step }) => step >= from).toSorted((a, b) => b.duration - a.duration)[0];
  if (!slowest) return undefined;
  const usual = spreadOf(steps.filter((each) => each !== slowest).map(({ duration }) => duration)).p50;
  const slow = slowest.duration > TIMES * usual && slowest.duration > usual + LONGER;
  return slow ? { ...slowest, usual } : undefined;
}
