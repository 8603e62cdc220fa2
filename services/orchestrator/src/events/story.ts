import type { Clock } from '@trikd/core/async/clock';
import { orAborted } from '@trikd/core/async/or-aborted';
import type { Role } from '@trikd/protocol/gen/node/trikd/v1/common';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { eventOf, missing } from '../api/messages.js';
import type { RunNews } from '../runs/ports.js';
import type { EventLog } from './event-log.js';
import type { EventPages } from './event-pages.js';

/** Events kept in memory: half a minute of a run or more. Who is further behind gets them from the store. */
const KEPT = 512;
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
  /**
   * The events from a number on, and all that come; 0: from this call on. Until the end, or until the signal aborts. What neither memory
   * nor the store has any more is said.
   */
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
  /** The newest events, whose numbers follow each other. */
  const told: WatchRunResponse[] = [];
  let newest = after;
  let ended: { readonly failure: Error | undefined } | undefined;
  let changed = Promise.withResolvers<void>();
  let followers = 0;
  let waking = false;
  /** The number of the newest progress of each role. */
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
  const superseded = ({ event, number }: WatchRunResponse) =>
    followers > CROWD && event?.$case === 'progress' && (newestOf.get(event.value.role) ?? number) > number;

  async function* read(from: number, signal: AbortSignal): AsyncGenerator<WatchRunResponse> {
    const joined = newest;
    let wanted = from;
    while (!signal.aborted) {
      const first = told[0]?.number ?? newest + 1;
      if (wanted < first) {
        for await (const message of pages.read(wanted, first)) {
          yield message;
          if (message.number > 0) wanted = message.number + 1;
        }
        // Numbers of before this story have gaps: its own have none.
        const lost = Math.max(wanted, after + 1);
        if (lost < first) yield missing(lost, first);
        wanted = first;
        continue;
      }
      const message = told[wanted - first];
      if (message) {
        wanted += 1;
        if (message.number <= joined || !superseded(message)) yield message;
        continue;
      }
      if (ended?.failure) throw ended.failure;
      if (ended) return;
      await orAborted(changed.promise, signal).catch(() => undefined);
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
      if (message.event.$case === 'progress') newestOf.set(message.event.value.role, newest);
      if (told.length > KEPT) told.shift();
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
    follow: (from, signal) => counted(read(from === 0 ? newest + 1 : Math.min(from, newest + 1), signal)),
    async close() {
      await Promise.all([log.close(), pages.close()]);
    },
    newest: () => newest,
  };
}
