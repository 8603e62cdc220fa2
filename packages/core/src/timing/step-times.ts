import { ROLES, type Role } from '../domain/position.js';
import type { PhaseKind, ProcessUsage, RoleStep } from './role-step.js';

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

/** Time spent in one phase. */
interface PhaseTimes {
  readonly kind: PhaseKind;
  /** The model that a wait was for. */
  readonly peer?: Role;
  readonly times: Spread;
  /** Share of the role's total time, 0..1. */
  readonly share: number;
}

/** Time spent by one role. */
interface RoleTimes {
  readonly role: Role;
  /** From the start of a step to its end. */
  readonly step: Spread;
  /**
   * From the end of a step to the start of the next: progress events, validation, checkpoints, waiting at the limit.
   */
  readonly between: Spread;
  /** Share of the role's total time, 0..1. */
  readonly betweenShare: number;
  /** In the order in which they occur in a step. */
  readonly phases: readonly PhaseTimes[];
  /** What its process had used by the end of these steps; absent if it is not reported. */
  readonly usage?: ProcessUsage;
}

/** Distribution of durations, in milliseconds. */
export interface Spread {
  /** Median. */
  readonly p50: number;
  /** 95th percentile. */
  readonly p95: number;
  readonly max: number;
  readonly mean: number;
}

/** Zeros for an empty list. */
export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const mean = sorted.reduce((sum, time) => sum + time, 0) / Math.max(1, sorted.length);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), max: sorted.at(-1) ?? 0, mean };
}

/**
 * The smallest value that at least a share of all values does not exceed.
 * @param sorted ascending
 */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** Waits below this share of a role's time are not worth mentioning. */
const NEGLIGIBLE = 0.1;

const WORK: Readonly<Record<Exclude<PhaseKind, 'wait'>, string>> = {
  data: 'deriving batches takes',
  forward: 'the forward pass takes',
  publish: 'waiting for its consumers takes',
  backward: 'losses, backward pass and update take',
};

/**
 * Names what limits the speed. In lockstep, the role that waits least is the one that the others wait for. If both wait
 * for each other for about as long, the connection between them is the limit.
 * @param roles teacher and student, and the anchor if there is one
 */
function verdictOf(roles: readonly RoleTimes[]): string {
  const trained = roles.filter(({ role }) => role !== 'anchor');
  const pause = trained.toSorted((a, b) => b.betweenShare - a.betweenShare)[0];
  const longest = longestWait(trained);
  if (pause && pause.betweenShare > Math.max(NEGLIGIBLE, longest?.wait.share ?? 0)) {
    return `the ${pause.role} spends ${percent(pause.betweenShare)} of its time between steps: reporting, validating, saving or waiting at the limit`;
  }
  if (!longest || longest.wait.share < NEGLIGIBLE) {
    const most = longest ? `, ${percent(longest.wait.share)} at most` : '';
    return `no role waits for long${most}: ${trained.map(workOf).join('; ')}`;
  }
  const { role, wait } = longest;
  const said = `the ${role} waits ${percent(wait.share)} of its time for the ${wait.peer}`;
  const other = roles.find((each) => each.role === wait.peer);
  const returned = other && waitFor(other, role);
  if (returned && returned.share >= Math.max(NEGLIGIBLE, wait.share / 2)) {
    return `${said}, which waits ${percent(returned.share)} for it: the connection between them limits the speed`;
  }
  return other ? `${said}: ${workOf(other)}` : said;
}

function longestWait(roles: readonly RoleTimes[]) {
  return roles
    .flatMap(({ role, phases }) => phases.flatMap((wait) => (wait.kind === 'wait' ? [{ role, wait }] : [])))
    .toSorted((a, b) => b.wait.share - a.wait.share)[0];
}

function waitFor({ phases }: RoleTimes, peer: Role): PhaseTimes | undefined {
  return phases.find((phase) => phase.kind === 'wait' && phase.peer === peer);
}

/** The phase, other than waits, that takes most of a role's time. */
function workOf({ role, phases }: RoleTimes): string {
  const work = phases.flatMap(({ kind, share }) => (kind === 'wait' ? [] : [{ kind, share }]));
  const most = work.toSorted((a, b) => b.share - a.share)[0];
  return most ? `${WORK[most.kind]} ${percent(most.share)} of the ${role}’s time` : `the ${role} is idle`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
