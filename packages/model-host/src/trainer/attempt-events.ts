import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { within } from '@trikd/core/async/within';
import type { TrikdError } from '@trikd/core/domain/errors';
import type { StepLimit, TrainerEvent } from '@trikd/core/training/ports';

export interface NumberedEvent {
  /** Increases with every event of an attempt. Events that a newer one has replaced leave gaps. */
  readonly number: number;
  readonly event: TrainerEvent;
}

/**
 * The events of one attempt, readable from any number on by any number of readers. To keep the memory of a long attempt
 * small, only the newest progress is kept and progress is emitted at most once in `PROGRESS_INTERVAL_MS`; of stalls,
 * only the current state of each cause is kept.
 */
export interface AttemptEvents {
  emit(event: TrainerEvent): void;
  /**
   * The events from number `from` on, then new ones as they are emitted, until `signal` aborts. With `pastOnly`, it
   * ends after the events emitted so far.
   * @throws the error of `close`, after all events have been read
   */
  read(from: number, signal: AbortSignal, pastOnly?: boolean): AsyncGenerator<NumberedEvent, void>;
  hasReaders(): boolean;
  /** Resolves when every reader has received every event. */
  delivered(): Promise<void>;
  /** Ends all readers with an error, after the events emitted so far. */
  close(error: TrikdError): void;
}

export const PROGRESS_INTERVAL_MS = 250;

export function createAttemptEvents(clock: Pick<Clock, 'now'>): AttemptEvents {
  const changed = createBell();
  const readers = new Set<{ isUpToDate: boolean }>();
  /** Rings when a reader has received everything, or leaves. */
  const caughtUp = createBell();
  let kept: NumberedEvent[] = [];
  let next = 0;
  let progressAt = Number.NEGATIVE_INFINITY;
  /** Progress too soon after the last one. Newer progress replaces it; any other event is preceded by it. */
  let held: TrainerEvent | undefined;
  let closed: TrikdError | undefined;

  const add = (event: TrainerEvent) => {
    const subject = replaceable(event);
    if (subject) kept = kept.filter((each) => replaceable(each.event) !== subject);
    kept.push({ number: next, event });
    next += 1;
    for (const reader of readers) reader.isUpToDate = false;
    changed.ring();
  };

  return {
    emit(event) {
      if (event.kind !== 'progress') {
        if (held) add(held);
        held = undefined;
        add(event);
        return;
      }
      const time = clock.now();
      if (time - progressAt < PROGRESS_INTERVAL_MS) {
        held = event;
        return;
      }
      held = undefined;
      progressAt = time;
      add(event);
    },
    async *read(from, signal, pastOnly = false) {
      let wanted = from;
      const reader = { isUpToDate: false };
      readers.add(reader);
      signal.addEventListener('abort', changed.ring, { once: true });
      try {
        while (!signal.aborted) {
          const found = kept.find(({ number }) => number >= wanted);
          if (found) {
            wanted = found.number + 1;
            yield found;
          } else if (pastOnly) return;
          else if (closed) throw closed;
          else {
            reader.isUpToDate = true;
            caughtUp.ring();
            await changed.heard();
          }
        }
      } finally {
        readers.delete(reader);
        caughtUp.ring();
        signal.removeEventListener('abort', changed.ring);
      }
    },
    hasReaders: () => readers.size > 0,
    async delivered() {
      while ([...readers].some(({ isUpToDate }) => !isUpToDate)) await caughtUp.heard();
    },
    close(error) {
      closed ??= error;
      changed.ring();
    },
  };
}

/** What an event is about, if a newer event about the same makes it obsolete; undefined if it stays valid. */
function replaceable(event: TrainerEvent): string | undefined {
  switch (event.kind) {
    case 'progress':
      return 'progress';
    case 'stalled':
    case 'went-on':
      return `stall ${event.on}`;
    case 'evaluation':
    case 'checkpoint':
    case 'resting':
    case 'alarm':
    case 'leaving':
    case 'failure':
      return undefined;
  }
}

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
