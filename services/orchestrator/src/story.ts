import type { Clock } from '@trikd/core/clock';
import { orAborted } from '@trikd/core/training/or-aborted';
import type { Role } from '@trikd/platform/gen/trikd/v1/common';
import type { WatchRunResponse } from '@trikd/platform/gen/trikd/v1/run';
import type { EventLog } from './event-log.js';
import type { EventPages } from './event-pages.js';
import { eventOf, missing } from './messages.js';
import type { RunNews } from './ports.js';

/** Events kept in memory, at least: an hour of a run. Who reads more slowly than that is told what he has missed. */
const KEPT = 4096;
/** Followers beyond which they are many. */
const CROWD = 64;
/** Seconds between two tidings to many: each follower costs the same, and the run must not. */
const PACE = 1;

/** What happens in one run, told to any number of followers, each at its own pace. */
export interface Story {
  readonly tell: (news: RunNews) => void;
  /** No more will come; with a failure, followers get it thrown when they have read the rest. */
  readonly end: (failure?: Error) => void;
  readonly over: () => boolean;
  /** The events that are kept, from a number on, and all that come; 0: from this call on. Until the end, or until the signal aborts. */
  readonly follow: (from: number, signal: AbortSignal) => AsyncIterable<WatchRunResponse>;
  /** Resolves when what was told is kept. */
  readonly close: () => Promise<void>;
  /** The newest number; 0: nothing was told. */
  readonly newest: () => number;
}

export interface StoryPorts {
  /** Below every number that will be told, and not below any that was. */
  readonly after: number;
  readonly pages: EventPages;
  readonly log: EventLog;
  readonly clock: Clock;
  now(): Date;
}

/**
 * One message, made once, is what all followers get; a follower is a place in the list, and costs nothing however slowly it reads. Where
 * there are many, they hear at most every second, and of each role's progress since then the newest.
 */
export function story({ after, pages, log, clock, now }: StoryPorts): Story {
  let told: WatchRunResponse[] = [];
  /** Events that were let go of. */
  let dropped = 0;
  let newest = after;
  let ended: { readonly failure: Error | undefined } | undefined;
  let changed = Promise.withResolvers<void>();
  let followers = 0;
  let waking = false;
  /** Where the newest progress of each role is. */
  const newestOf = new Map<Role, number>();
  const closed = new AbortController();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const wakeInTime = () => {
    if (followers <= CROWD) return wake();
    if (waking) return;
    waking = true;
    void clock
      .sleep(1000 * PACE, closed.signal)
      .catch(() => undefined)
      .then(() => {
        waking = false;
        wake();
      });
  };
  const superseded = ({ event }: WatchRunResponse, index: number) =>
    followers > CROWD && event?.$case === 'progress' && (newestOf.get(event.value.role) ?? index) > index;

  async function* read(from: number, start: number, signal: AbortSignal): AsyncGenerator<WatchRunResponse> {
    let wanted = from;
    // What was told before this story began is in the store alone.
    if (from > 0 && from <= after) {
      for await (const message of pages.read(from, after + 1)) {
        yield message;
        wanted = message.number + 1;
      }
    }
    const joined = dropped + told.length;
    for (let next = start; ; next += 1) {
      while (next >= dropped + told.length) {
        if (ended?.failure) throw ended.failure;
        if (ended || signal.aborted) return;
        await orAborted(changed.promise, signal).catch(() => undefined);
      }
      const oldest = told[0];
      if (next < dropped && oldest) {
        yield missing(wanted, oldest.number);
        next = dropped;
      }
      const message = told[next - dropped];
      if (signal.aborted || !message) return;
      wanted = message.number + 1;
      if (next >= joined && superseded(message, next)) continue;
      yield message;
    }
  }

  async function* counted(messages: AsyncIterable<WatchRunResponse>): AsyncGenerator<WatchRunResponse> {
    followers += 1;
    try {
      yield* messages;
    } finally {
      followers -= 1;
    }
  }

  return {
    tell(news) {
      if (ended) return;
      newest += 1;
      const message = { event: eventOf(news), number: newest, time: now() };
      told.push(message);
      if (message.event.$case === 'progress') newestOf.set(message.event.value.role, dropped + told.length - 1);
      if (told.length >= 2 * KEPT) {
        told = told.slice(KEPT);
        dropped += KEPT;
      }
      log.write(message);
      pages.add(message);
      wakeInTime();
    },
    end(failure) {
      ended ??= { failure };
      closed.abort(new Error('the story is over'));
      wake();
    },
    over: () => ended !== undefined,
    follow(from, signal) {
      const index = from === 0 ? -1 : told.findIndex(({ number }) => number >= from);
      return counted(read(from, dropped + (index < 0 ? told.length : index), signal));
    },
    async close() {
      await Promise.all([log.close(), pages.close()]);
    },
    newest: () => newest,
  };
}
