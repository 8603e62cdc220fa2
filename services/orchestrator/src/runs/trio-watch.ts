import { createBell } from '@trikd/core/async/bell';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role } from '@trikd/core/domain/position';
import type { Displacement } from '@trikd/core/run/state';
import type { Incident, PlacementNews, TrioAddresses } from '../placement/placement.js';

/** Follows the trio of a run. */
export interface TrioWatch {
  /**
   * Resolves when all services of the trio can be reached, or when the signal aborts.
   * @param waits gets the service that cannot be reached, and why; without a reason, the wait is over
   */
  reachable(signal: AbortSignal, waits: (on: Role, reason: string | undefined) => void): Promise<void>;
}

export interface TrioWatcher {
  /** The run has to leave the trio. */
  gone(by: Displacement): void;
  /** Services of the trio came back at other addresses. */
  moved(trio: TrioAddresses): void;
  incident(incident: Incident): void;
}

export function watchTrio(news: AsyncIterable<PlacementNews>, watcher: TrioWatcher): TrioWatch {
  const changed = createBell();
  let lost: Extract<PlacementNews, { readonly kind: 'lost' }> | undefined;

  const note = (next: typeof lost) => {
    lost = next;
    changed.ring();
  };
  async function follow(): Promise<void> {
    for await (const item of news) {
      switch (item.kind) {
        case 'lost':
          note(item);
          break;
        case 'moved':
          watcher.moved(item.trio);
          note(undefined);
          break;
        case 'back':
          note(undefined);
          break;
        case 'incident':
          watcher.incident(item);
          break;
        case 'draining':
        case 'away':
          note(undefined);
          watcher.gone({ why: `trio-${item.kind}`, message: item.message });
          break;
        case 'preempted':
          note(undefined);
          watcher.gone({ why: 'preempted', message: item.message });
          break;
      }
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

/** The reason of a signal that tells the drive of a run to leave its trio. */
export function displacement({ why, message }: Displacement): TrikdError {
  return new TrikdError('unavailable', message, { displaced: why });
}

/** Why a run leaves its trio, from the reason of such a signal; undefined when the run is to rest for another reason. */
export function displacementIn(reason: unknown): Displacement | undefined {
  if (!(reason instanceof TrikdError)) return undefined;
  const { displaced: why } = reason.details;
  if (why !== 'trio-draining' && why !== 'trio-away' && why !== 'preempted') return undefined;
  return { why, message: reason.message };
}

/** Whether a failure of an attempt is that something did not answer. */
export function isUnavailable(failure: unknown): failure is TrikdError {
  return failure instanceof TrikdError && failure.kind === 'unavailable';
}

/** Whether a failure of an attempt may come from the trio that its run is leaving. */
export function isOfTheTrio(failure: unknown): boolean {
  return failure instanceof TrikdError && ['unavailable', 'out-of-step', 'wrong-state'].includes(failure.kind);
}
