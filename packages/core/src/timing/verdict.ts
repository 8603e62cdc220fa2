import type { Role } from '../domain/role.js';
import type { PhaseKind } from './role-step.js';
import type { PhaseTimes, RoleTimes } from './step-times.js';

/** Shares of a role's time below which nobody need look at a wait. */
const LITTLE = 0.1;

const DOING: Readonly<Record<Exclude<PhaseKind, 'wait'>, string>> = {
  data: 'making batches takes',
  forward: 'the forward pass takes',
  publish: 'waiting until its frames are taken takes',
  backward: 'losses, backward pass and update take',
};

/**
 * Names what bounds the speed. In lockstep whoever waits least is the one that others wait for; when both wait for each other, neither
 * much longer than the other, it is what lies between them.
 * @param roles teacher and student, and the anchor if there is one
 */
export function verdictOf(roles: readonly RoleTimes[]): string {
  const trained = roles.filter(({ role }) => role !== 'anchor');
  const pause = trained.toSorted((a, b) => b.betweenShare - a.betweenShare)[0];
  const longest = longestWait(trained);
  if (pause && pause.betweenShare > Math.max(LITTLE, longest?.wait.share ?? 0)) {
    return `the ${pause.role} spends ${percent(pause.betweenShare)} of its time between steps: reporting, validating, saving or resting`;
  }
  if (!longest || longest.wait.share < LITTLE) {
    const most = longest ? `, ${percent(longest.wait.share)} at most` : '';
    return `nobody waits much${most}: ${trained.map(workOf).join('; ')}`;
  }
  const { role, wait } = longest;
  const said = `the ${role} waits ${percent(wait.share)} of its time for the ${wait.peer}`;
  const other = roles.find((each) => each.role === wait.peer);
  const returned = other && waitFor(other, role);
  if (returned && returned.share >= Math.max(LITTLE, wait.share / 2)) {
    return `${said}, which waits ${percent(returned.share)} for it: what lies between them bounds the speed`;
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

/** What takes most of a role's time, apart from waits. */
function workOf({ role, phases }: RoleTimes): string {
  const work = phases.flatMap(({ kind, share }) => (kind === 'wait' ? [] : [{ kind, share }]));
  const most = work.toSorted((a, b) => b.share - a.share)[0];
  return most ? `${DOING[most.kind]} ${percent(most.share)} of the ${role}’s time` : `the ${role} does nothing`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
