import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { orAborted } from '@trikd/core/async/or-aborted';
import { within } from '@trikd/core/async/within';

/** Changes that others wait for. */
export interface News {
  readonly wake: () => void;
  /** Resolves when something has changed here, when something may have changed elsewhere, or when the signal aborts. */
  readonly news: (signal: AbortSignal) => Promise<void>;
}

/** Without a reason, each would get an error of its own, with a stack that nobody reads. */
const OVER = new Error('the news are over');

/** @param look seconds after which something may have changed elsewhere: what other orchestrators write is not announced */
export function createNews(clock: Clock, look: number): News {
  const bell = createBell();
  return {
    wake: bell.ring,
    news: async (signal) => {
      const left = new AbortController();
      await orAborted(within(bell.heard(left.signal), look, clock), signal).catch(() => undefined);
      left.abort(OVER);
    },
  };
}
