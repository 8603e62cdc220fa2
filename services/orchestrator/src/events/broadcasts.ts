import type { Clock } from '@trikd/core/async/clock';
import { orAborted } from '@trikd/core/async/within';
import type { RunEvent } from '@trikd/core/run/run-event';
import type { RunView } from '@trikd/core/run/run-view';
import { NUMBERS_PER_TERM } from '@trikd/events/event';
import { fromRunEvent } from '@trikd/protocol/convert-run';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { missing, snapshotEvent } from '../api/messages.js';
import type { EventFile } from './event-file.js';
import type { EventPages, PageCache, ReadPage } from './event-pages.js';

/** The broadcasts of this process: those of the runs that it drives or has steered while it leads. */
export interface Broadcasts {
  readonly get: (runId: string) => EventBroadcast | undefined;
  /** The broadcast of a run, opened if need be. Numbers rise from leader to leader, since terms do. */
  readonly open: (run: RunView, term: number) => Promise<EventBroadcast>;
  /** Resolves when all events are stored. */
  readonly end: (runId: string, failure?: Error) => Promise<void>;
  /** Ends all of them, each with the failure of its run, if any. */
  readonly endAll: (failureOf: (runId: string) => Error | undefined) => Promise<void>;
}

export interface BroadcastsPorts {
  openFile(runId: string): EventFile;
  openPages(runId: string, readPage: ReadPage): Promise<EventPages>;
  date(): Date;
  readonly clock: Clock;
}

export function createBroadcasts({ openFile, openPages, date, clock }: BroadcastsPorts, cache: PageCache): Broadcasts {
  const present = new Map<string, EventBroadcast>();
  const opening = new Map<string, Promise<EventBroadcast>>();
  /** The newest number of each broadcast that is over. */
  const newest = new Map<string, number>();

  const begin = async (run: RunView, term: number) => {
    const runId = run.spec.name;
    const pages = await openPages(runId, cache.of(run));
    const after = Math.max(term * NUMBERS_PER_TERM, pages.newest, newest.get(runId) ?? 0);
    const file = openFile(runId);
    file.write({ ...snapshotEvent(run), time: date() });
    const begun = eventBroadcast({ after, pages, file, clock, now: date });
    present.set(runId, begun);
    return begun;
  };
  const end = async (runId: string, failure?: Error) => {
    const ending = present.get(runId);
    if (!ending) return;
    ending.end(failure);
    newest.set(runId, ending.newest());
    await ending.close();
    if (present.get(runId) === ending) present.delete(runId);
  };
  return {
    get: (runId) => present.get(runId),
    open: async (run, term) => {
      const runId = run.spec.name;
      const open = present.get(runId) ?? opening.get(runId);
      if (open) return open;
      const begun = begin(run, term).finally(() => opening.delete(runId));
      opening.set(runId, begun);
      return begun;
    },
    end,
    endAll: async (failureOf) => {
      await Promise.all([...present.keys()].map((runId) => end(runId, failureOf(runId))));
    },
  };
}

/** Events kept in memory: half a minute of a run or more. A follower that is further behind gets older ones from the store. */
const EVENTS_IN_MEMORY = 512;
/** Above this number of followers, they get events at intervals, and only the newest progress. */
const MOST_PROMPT_FOLLOWERS = 64;
/** That interval, in seconds: each follower costs the same, and the run must not pay for a crowd. */
const CROWD_INTERVAL = 1;

/** The events of one run, for any number of followers, each at its own pace. */
interface EventBroadcast {
  readonly emit: (event: RunEvent) => void;
  /** No event follows. With a failure, followers get it thrown when they have read the rest. */
  readonly end: (failure?: Error) => void;
  readonly over: () => boolean;
  /**
   * The events from a number on, and those that follow; 0: from this call on. Until the end, or until the signal aborts; with `pastOnly`
   * up to the newest event at this call. Says which events neither memory nor the store has any more.
   */
  readonly follow: (from: number, signal: AbortSignal, pastOnly?: boolean) => AsyncIterable<WatchRunResponse>;
  /** Resolves when all events are stored. */
  readonly close: () => Promise<void>;
  /** The newest number. */
  readonly newest: () => number;
}

export interface BroadcastPorts {
  /** Below every number to come, and not below any that was used. */
  readonly after: number;
  readonly pages: EventPages;
  readonly file: EventFile;
  readonly clock: Clock;
  now(): Date;
}

/**
 * All followers get the same messages, each made once; a follower is a position in the list, and costs nothing however slowly it reads.
 * A crowd of followers gets events every second, and of each role's progress since then only the newest.
 */
function eventBroadcast({ after, pages, file, clock, now }: BroadcastPorts): EventBroadcast {
  /** The newest events, with consecutive numbers. */
  const recent: WatchRunResponse[] = [];
  let newest = after;
  let ended: { readonly failure: Error | undefined } | undefined;
  let changed = Promise.withResolvers<void>();
  let followers = 0;
  let waking = false;
  /** The number of the newest progress of each role. */
  const newestProgress = new Map<string, number>();
  const closed = new AbortController();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const wakeInTime = () => {
    if (followers <= MOST_PROMPT_FOLLOWERS) return wake();
    if (waking) return;
    waking = true;
    void clock
      .sleep(1000 * CROWD_INTERVAL, closed.signal)
      .catch(() => undefined)
      .then(() => {
        waking = false;
        wake();
      });
  };
  const superseded = ({ event, number }: WatchRunResponse) =>
    followers > MOST_PROMPT_FOLLOWERS &&
    event?.$case === 'progress' &&
    (newestProgress.get(event.value.participant) ?? number) > number;

  async function* read(from: number, last: number, signal: AbortSignal): AsyncGenerator<WatchRunResponse> {
    const joined = newest;
    let wanted = from;
    while (!signal.aborted && wanted <= last) {
      const first = recent[0]?.number ?? newest + 1;
      if (wanted < first) {
        for await (const message of pages.read(wanted, Math.min(first, last + 1))) {
          yield message;
          if (message.number > 0) wanted = message.number + 1;
        }
        // Numbers from before this broadcast have gaps; its own have none.
        const lost = Math.max(wanted, after + 1);
        if (lost < first && lost <= last) yield missing(lost, first);
        wanted = first;
        continue;
      }
      const message = recent[wanted - first];
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
    emit(event) {
      if (ended) return;
      newest += 1;
      const message = { event: fromRunEvent(event), number: newest, time: now() };
      recent.push(message);
      if (message.event.$case === 'progress') newestProgress.set(message.event.value.participant, newest);
      if (recent.length > EVENTS_IN_MEMORY) recent.shift();
      file.write(message);
      pages.add(message);
      wakeInTime();
    },
    end(failure) {
      ended ??= { failure };
      closed.abort(new Error('the broadcast is over'));
      wake();
    },
    over: () => ended !== undefined,
    follow: (from, signal, pastOnly = false) => {
      const first = from === 0 ? newest + 1 : Math.min(from, newest + 1);
      return counted(read(first, pastOnly ? newest : Number.POSITIVE_INFINITY, signal));
    },
    async close() {
      await Promise.all([file.close(), pages.close()]);
    },
    newest: () => newest,
  };
}
