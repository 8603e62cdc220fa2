import type { Clock } from '@trikd/core/async/clock';
import type { Logger } from '@trikd/process/logging';

/** Between two lines: an attack must not fill the log. */
const INTERVAL_MS = 10_000;

/**
 * Logs connections that limits have closed: the first one, then one line for all of an interval.
 * @param each is called with the limit for each of them
 */
export function limitLog(
  log: Pick<Logger, 'warn'>,
  clock: Pick<Clock, 'now'>,
  each?: (limit: string) => void,
): (reason: string, limit: string) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  let unlogged = 0;
  return (reason, limit) => {
    each?.(limit);
    if (clock.now() - loggedAt < INTERVAL_MS) {
      unlogged += 1;
      return;
    }
    log.warn({ reason, ...(unlogged > 0 && { others: unlogged }) }, 'closed a connection');
    loggedAt = clock.now();
    unlogged = 0;
  };
}
