import type { Role } from '../domain/role.js';
import type { PhaseKind } from './role-step.js';
import type { PhaseTimes, RoleTimes } from './role-times.js';

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
export function verdictOf(roles: readonly RoleTimes[]): string {
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
