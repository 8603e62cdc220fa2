import type { Role } from '../domain/role.js';
import type { RoleStep } from './role-step.js';
import { type SlowStep, slowestStep, type TrioStep, trioSteps } from './slow-steps.js';
import { type StepTimes, stepTimes } from './step-times.js';

/** What the steps tell that both trainers are over with since it was last asked. */
export interface StepNews {
  readonly times: StepTimes;
  readonly slow?: SlowStep;
  /** Those steps, in order. */
  readonly steps: readonly TrioStep[];
}

/** Collects what roles tell of their steps, in whatever order. */
export interface StepBook {
  /** The first step of a role that has not been told yet. */
  next(role: Role): number;
  add(role: Role, steps: readonly RoleStep[]): void;
  /** Undefined when both trainers are over with nothing more. */
  news(): StepNews | undefined;
  /** One of the newest steps that were told as news. */
  find(step: number): TrioStep | undefined;
  /** The newest of them. */
  last(): number | undefined;
}

/** Steps that a slow one is compared with. */
const NEIGHBOURS = 256;

/** A book of an attempt. Memory: some hundred steps besides those that were not asked for yet. */
export function createStepBook(): StepBook {
  const told: Record<Role, RoleStep[]> = { anchor: [], teacher: [], student: [] };
  const next: Record<Role, number> = { anchor: 0, teacher: 0, student: 0 };
  let from = 0;
  /** The first step of an attempt builds what all others use: it says nothing of them. */
  let first: number | undefined;
  return {
    next: (role) => next[role],
    add(role, steps) {
      const fresh = steps.filter(({ step }) => step >= next[role]);
      told[role].push(...fresh);
      next[role] = Math.max(next[role], ...fresh.map(({ step }) => step + 1));
    },
    news() {
      const until = Math.min(next.teacher, next.student);
      const fresh = (['anchor', 'teacher', 'student'] as const).flatMap((role) =>
        told[role].filter(({ step }) => step >= from && step < until),
      );
      const times = stepTimes(fresh);
      if (!times) return undefined;
      first ??= times.firstStep;
      const known = trioSteps(Object.values(told).flatMap((steps) => steps.filter(({ step }) => step < until)));
      const slow = slowestStep(known, Math.max(from, first + 1));
      const steps = known.filter(({ step }) => step >= from);
      from = until;
      for (const role of ['anchor', 'teacher', 'student'] as const) {
        told[role] = told[role].filter(({ step }) => step >= until - NEIGHBOURS);
      }
      return { times, ...(slow && { slow }), steps };
    },
    find: (step) =>
      step < from
        ? trioSteps(Object.values(told).flatMap((steps) => steps.filter((each) => each.step === step)))[0]
        : undefined,
    last: () => (from > 0 ? from - 1 : undefined),
  };
}
