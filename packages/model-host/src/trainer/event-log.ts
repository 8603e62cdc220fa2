import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import type { TrikdError } from '@trikd/core/domain/errors';
import type { WatchedEvent } from '@trikd/protocol/convert-trainer';

export interface NumberedEvent {
  /** Rises with every event of an attempt. Numbers of events that newer ones replaced are missing. */
  readonly number: number;
  readonly event: WatchedEvent;
}

/**
 * What happened in one attempt, for anybody who asks from any number on. Everything is kept but progress and stalls, so that the log
 * of a long generation stays small: of progress only the newest, and no more than one in `PROGRESS_INTERVAL_MS` gets a number; of
 * what is waited for only how it stands.
 */
export interface EventLog {
  append(event: WatchedEvent): void;
  /**
   * The events from number `from` on, then new ones as they come, until `signal` aborts; with `pastOnly`, none of the latter.
   * @throws what the log was closed with, once everything was read
   */
  read(from: number, signal: AbortSignal, pastOnly?: boolean): AsyncGenerator<NumberedEvent, void>;
  /** Whether somebody reads. */
  isRead(): boolean;
  /** Resolves when whoever reads has everything. */
  told(): Promise<void>;
  /** Nothing more will come. */
  close(error: TrikdError): void;
}

export const PROGRESS_INTERVAL_MS = 250;

export function createEventLog(clock: Pick<Clock, 'now'>): EventLog {
  const bell = createBell();
  const readers = new Set<{ hasAll: boolean }>();
  /** Rung when a reader has everything, or leaves. */
  const satisfied = createBell();
  let kept: NumberedEvent[] = [];
  let next = 0;
  let progressAt = Number.NEGATIVE_INFINITY;
  /** Progress that came too early after the last; a newer one replaces it, any other event lets it go before. */
  let held: WatchedEvent | undefined;
  let closed: TrikdError | undefined;

  const add = (event: WatchedEvent) => {
    const subject = replaceable(event);
    if (subject) kept = kept.filter((each) => replaceable(each.event) !== subject);
    kept.push({ number: next, event });
    next += 1;
    for (const reader of readers) reader.hasAll = false;
    bell.ring();
  };

  return {
    append(event) {
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
      const reader = { hasAll: false };
      readers.add(reader);
      signal.addEventListener('abort', bell.ring, { once: true });
      try {
        while (!signal.aborted) {
          const found = kept.find(({ number }) => number >= wanted);
          if (found) {
            wanted = found.number + 1;
            yield found;
          } else if (pastOnly) return;
          else if (closed) throw closed;
          else {
            reader.hasAll = true;
            satisfied.ring();
            await bell.heard();
          }
        }
      } finally {
        readers.delete(reader);
        satisfied.ring();
        signal.removeEventListener('abort', bell.ring);
      }
    },
    isRead: () => readers.size > 0,
    async told() {
      while ([...readers].some(({ hasAll }) => !hasAll)) await satisfied.heard();
    },
    close(error) {
      closed ??= error;
      bell.ring();
    },
  };
}

/** What an event says that only the newest of its kind says truly; undefined for one that stays true. */
function replaceable(event: WatchedEvent): string | undefined {
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
