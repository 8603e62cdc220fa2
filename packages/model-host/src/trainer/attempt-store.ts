import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Logger } from '@trikd/process/logging';
import { retryingStore } from '@trikd/store/retrying-store';
import type { AttemptEvents } from './attempt-events.js';
import type { TrainerParts } from './trainer-parts.js';

/** The store of an attempt: retries until `signal` aborts; outages are logged, and emitted as stalls. */
export function attemptStore(
  { store, clock, random }: Pick<TrainerParts, 'store' | 'clock' | 'random'>,
  events: AttemptEvents,
  log: Logger,
  signal: AbortSignal,
): ObjectStore {
  const onOutage = (reason: string | undefined) => {
    if (reason === undefined) {
      log.info('the store is available again');
      events.emit({ kind: 'went-on', on: 'store' });
    } else {
      log.warn({ reason }, 'waiting for the store');
      events.emit({ kind: 'stalled', on: 'store', reason });
    }
  };
  return retryingStore(store, { clock, random, signal, onOutage });
}
