import { createBell } from '@trikd/core/async/bell';
import type { Role } from '@trikd/core/domain/role';
import type { Displacement } from '@trikd/core/run/state';
import type { PlacementNews } from '../placement/placement.js';

/** Follows the trio of a run. */
export interface TrioWatch {
  /**
   * Resolves when all services of the trio can be reached, or when the signal aborts.
   * @param waits gets the service that cannot be reached, and why; without a reason, the wait is over
   */
  reachable(signal: AbortSignal, waits: (on: Role, reason: string | undefined) => void): Promise<void>;
}

/** @param gone is called when the run has to leave the trio */
export function watchTrio(news: AsyncIterable<PlacementNews>, gone: (by: Displacement) => void): TrioWatch {
  const changed = createBell();
  let lost: Extract<PlacementNews, { readonly kind: 'lost' }> | undefined;

  async function follow(): Promise<void> {
    for await (const item of news) {
      lost = item.kind === 'lost' ? item : undefined;
      changed.ring();
      if (item.kind === 'draining' || item.kind === 'away') gone({ why: `trio-${item.kind}`, message: item.message });
    }
  }
  void follow();

  return {
    async reachable(signal, waits) {
      while (lost && !signal.aborted) {
        const { role, message } = lost;
        waits(role, message);
        await changed.heard(signal);
        waits(role, undefined);
      }
    },
  };
}
