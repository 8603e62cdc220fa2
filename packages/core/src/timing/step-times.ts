import { ROLES, type Role } from '../domain/role.js';
import type { PhaseKind, RoleStep } from './role-step.js';
import type { RoleTimes } from './role-times.js';
import { spreadOf } from './spread.js';
import { verdictOf } from './verdict.js';

/** Time spent in a range of steps. */
export interface StepTimes {
  readonly firstStep: number;
  readonly steps: number;
  readonly roles: readonly RoleTimes[];
  /** One sentence about what limits the speed. */
  readonly verdict: string;
}

/**
 * Summarises the steps that the trainers have finished.
 * @param steps of any role, those of one role in order; steps of the anchor, which runs ahead, count only where a
 * trainer has finished them
 * @returns undefined if no trainer has finished a step
 */
export function stepTimes(steps: readonly RoleStep[]): StepTimes | undefined {
  const trained = steps.filter(({ role }) => role !== 'anchor').map(({ step }) => step);
  if (trained.length === 0) return undefined;
  const [first, last] = trained.reduce(([least, most], step) => [Math.min(least, step), Math.max(most, step)], [
    Number.POSITIVE_INFINITY,
    0,
  ] as readonly [number, number]);
  const roles = ROLES.flatMap((role) => {
    const own = steps.filter((each) => each.role === role && each.step >= first && each.step <= last);
    return own.length > 0 ? [roleTimes(role, own)] : [];
  });
  return { firstStep: first, steps: last - first + 1, roles, verdict: verdictOf(roles) };
}

function roleTimes(role: Role, steps: readonly RoleStep[]): RoleTimes {
  const durations = steps.map(({ duration }) => duration);
  const gaps = steps.slice(1).flatMap((next, index) => {
    const before = steps[index]!;
    return next.step === before.step + 1 ? [Math.max(0, next.started - before.started - before.duration)] : [];
  });
  const whole = Math.max(sum(durations) + sum(gaps), Number.EPSILON);
  const phases = new Map<string, { readonly kind: PhaseKind; readonly peer?: Role; readonly times: number[] }>();
  for (const { kind, peer, duration } of steps.flatMap((step) => step.phases)) {
    const key = `${kind} ${peer ?? ''}`;
    const known = phases.get(key) ?? { kind, ...(peer && { peer }), times: [] };
    known.times.push(duration);
    phases.set(key, known);
  }
  return {
    role,
    step: spreadOf(durations),
    between: spreadOf(gaps),
    betweenShare: sum(gaps) / whole,
    phases: [...phases.values()].map(({ times, ...phase }) => ({
      ...phase,
      times: spreadOf(times),
      share: sum(times) / whole,
    })),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
