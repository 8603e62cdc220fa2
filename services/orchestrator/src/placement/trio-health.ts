import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { ROLES, type Role } from '@trikd/core/domain/position';
import { serviceOf } from '@trikd/transport/access/caller';
import type { Security } from '@trikd/transport/access/security';
import { checkHealth } from '@trikd/transport/grpc/check-health';
import type { PlacementNews, TrioAddresses } from './placement.js';

/** `silent`: there is a connection, but no answer in time, as from a process that traces a large graph. */
export type Answer = 'serving' | 'not-serving' | 'silent' | { readonly unreachable: string };

/** Asks a service for its health. Never throws. */
export type Probe = (address: string, role: Role) => Promise<Answer>;

/** What is known of a trio. */
export type TrioHealth =
  /** Nothing yet. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ready' }
  /** A service cannot be reached, and not for too long yet. `at` is the time of the first failure. */
  | { readonly kind: 'lost'; readonly at: number; readonly role: Role; readonly message: string }
  | Extract<PlacementNews, { readonly kind: 'draining' | 'away' }>;

/** Health of a trio after another look at it. @param patience milliseconds that a service may be unreachable @param now milliseconds */
export async function probeTrio(
  trio: TrioAddresses,
  before: TrioHealth,
  probe: Probe,
  patience: number,
  now: () => number,
): Promise<TrioHealth> {
  const found = await Promise.all(ROLES.map(async (role) => ({ role, state: await probe(trio[role], role) })));
  const draining = found.find(({ state }) => state === 'not-serving');
  if (draining) return { kind: 'draining', message: `the ${draining.role} of trio ${trio.name} is shutting down` };
  for (const { role, state } of found) {
    if (typeof state === 'string') continue;
    // A service that was shutting down and is gone now has not come back: nothing new is known.
    if (before.kind === 'draining' || before.kind === 'away') return before;
    const at = before.kind === 'lost' ? before.at : now();
    const message = `the ${role} of trio ${trio.name} cannot be reached: ${state.unreachable}`;
    return now() - at < patience ? { kind: 'lost', at, role, message } : { kind: 'away', message };
  }
  // Nothing new is known of a service that is busy: its run notices by itself when it stays so.
  return found.some(({ state }) => state === 'silent') ? before : { kind: 'ready' };
}

/** Asks `grpc.health.v1`, each time over a new connection: one that was lost would be tried again too late. @param seconds for an answer */
export function grpcProbe(seconds: number, security: Security): Probe {
  return async (address, role) => {
    try {
      const { serving } = await checkHealth(address, seconds, { security, role: serviceOf(role) });
      return serving ? 'serving' : 'not-serving';
    } catch (error) {
      // Any answer shows that the service is there; what is wrong with it, its run finds out.
      if (error instanceof TrikdError && error.kind !== 'unavailable') return 'serving';
      const message = messageOf(error);
      // grpc-js names the remote address when it has a connection.
      return /deadline exceeded.*remote_addr=/i.test(message) ? 'silent' : { unreachable: message };
    }
  };
}
