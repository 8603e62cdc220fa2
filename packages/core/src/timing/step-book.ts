import type { Role, TrainedRole } from '../domain/position.js';
import type { RoleStep } from './role-step.js';
import { type SlowStep, slowestStep, type TrioStep, trioSteps } from './slow-steps.js';
import { type StepTimes, stepTimes } from './step-times.js';

/** The steps that all trainers have finished since the last summary. */
export interface StepSummary {
  readonly times: StepTimes;
  readonly slow?: SlowStep;
  /** The steps, in order. */
  readonly steps: readonly TrioStep[];
}

/** Collects the roles' steps, in any order. */
export interface StepBook {
  /** The first step of a role that is not in the book. */
  next(role: Role): number;
  add(role: Role, steps: readonly RoleStep[]): void;
  /** Undefined if no further step was finished by all trainers. */
  summarise(): StepSummary | undefined;
  /** One of the latest summarised steps. */
  find(step: number): TrioStep | undefined;
  /** The latest summarised step. */
  last(): number | undefined;
}

/** Number of steps that a slow step is compared with. */
const NEIGHBOURS = 256;

/**
 * Creates the book of an attempt. It holds a few hundred steps, plus those that are not summarised yet.
 * @param trainers those with a learner in the stage
 */
export function createStepBook(trainers: readonly TrainedRole[]): StepBook {
  const added: Record<Role, RoleStep[]> = { anchor: [], teacher: [], student: [] };
  const next: Record<Role, number> = { anchor: 0, teacher: 0, student: 0 };
  let from = 0;
  /** The first step of an attempt also builds what later steps use, so it is not compared with them. */
  let first: number | undefined;
  return {
    next: (role) => next[role],
    add(role, steps) {
      const fresh = steps.filter(({ step }) => step >= next[role]);
      added[role].push(...fresh);
      next[role] = Math.max(next[role], ...fresh.map(({ step }) => step + 1));
    },
    summarise() {
      const until = Math.min(...trainers.map((role) => next[role]));
      const fresh = (['anchor', 'teacher', 'student'] as const).flatMap((role) =>
        added[role].filter(({ step }) => step >= from && step < until),
      );
      const times = stepTimes(fresh);
      if (!times) return undefined;
      first ??= times.firstStep;
      const known = trioSteps(
        Object.values(added).flatMap((steps) => steps.filter(({ step }) => step < until)),
        trainers,
      );
      const slow = slowestStep(known, Math.max(from, first + 1));
      const steps = known.filter(({ step }) => step >= from);
      from = until;
      for (const role of ['anchor', 'teacher', 'student'] as const) {
        added[role] = added[role].filter(({ step }) => step >= until - NEIGHBOURS);
      }
      return { times, ...(slow && { slow }), steps };
    },
    find: (step) =>
      step < from
        ? trioSteps(
            Object.values(added).flatMap((steps) => steps.filter((each) => each.step === step)),
            trainers,
          )[0]
        : undefined,
    last: () => (from > 0 ? from - 1 : undefined),
  };
}
