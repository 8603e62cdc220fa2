import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { within } from '@trikd/core/async/within';
import type { StepLimit } from '@trikd/core/training/ports';
import type { AttemptEvents } from './attempt-events.js';

/** Tracks whether an attempt rests at its limit. */
export interface Rest {
  /** The attempt rests; `step` is the first step that is not trained. */
  before(step: number): void;
  /** Whether the attempt rests at its current limit. */
  isReached(): boolean;
  /** Resolves when the attempt rests at its current limit, or has ended. */
  reached(): Promise<void>;
}

/** @param ended aborts when the attempt has ended */
export function createRest(limit: Pick<StepLimit, 'value'>, ended: AbortSignal): Rest {
  const changed = createBell();
  let restsBefore = Number.NEGATIVE_INFINITY;
  const isReached = () => restsBefore >= limit.value;
  return {
    isReached,
    before(step) {
      restsBefore = step;
      changed.ring();
    },
    async reached() {
      while (!ended.aborted && !isReached()) await changed.heard(ended);
    },
  };
}

/** Enough for a step that both trainers can reach, and its checkpoint. */
const LEAVE_SECONDS = 6;

/**
 * Announces that the process is about to exit. Then waits, for a few seconds at most, until the watchers of the attempt have moved its
 * limit to a step that it reaches, and have received all of its events.
 */
export async function leave(events: AttemptEvents, rest: Rest, clock: Pick<Clock, 'sleep'>): Promise<void> {
  events.emit({ kind: 'leaving' });
  await within(
    rest.reached().then(() => events.delivered()),
    LEAVE_SECONDS,
    clock,
  );
}
