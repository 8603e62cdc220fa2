import { TrikdError } from '@trikd/core/domain/errors';
import type { Owner } from '@trikd/core/run/placement';
import type { Caller } from '@trikd/transport/access/caller';

/** Whether a caller may know of a run. A run without an owner, from before people were recognised, is for admins. */
export function mayAccess(caller: Caller, owner: Owner | undefined): boolean {
  if (isAdmin(caller) || caller.kind !== 'user') return true;
  if (!owner) return false;
  return owner.subject === caller.subject || (owner.team !== undefined && caller.teams.includes(owner.team));
}

/** Whether a caller may do what affects everybody's runs. Callers without identity exist only where everybody may do everything. */
export function isAdmin(caller: Caller): boolean {
  return caller.kind !== 'user' || caller.verbs.includes('admin');
}

/**
 * The owner of a run that a caller creates; undefined for callers without identity.
 * @param team for which it is created; empty: the caller's, if they are in exactly one
 * @throws TrikdError 'forbidden' if the caller is not in the team
 */
export function ownerOf(caller: Caller, team: string): Owner | undefined {
  if (caller.kind !== 'user') return undefined;
  const { subject, teams } = caller;
  if (team !== '' && !teams.includes(team)) {
    throw new TrikdError('forbidden', `${subject} is not in the team ${team}`);
  }
  const [only, ...others] = teams;
  const chosen = team !== '' ? team : others.length === 0 ? only : undefined;
  return { subject, ...(chosen !== undefined && { team: chosen }) };
}
