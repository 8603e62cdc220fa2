import type { Clock } from '@trikd/core/async/clock';
import type { RunView } from '@trikd/core/run/run-view';
import { NUMBERS_PER_TERM } from '@trikd/events/event-name';
import { snapshotEvent } from '../api/messages.js';
import { type EventBroadcast, eventBroadcast } from './event-broadcast.js';
import type { EventFile } from './event-file.js';
import type { EventPages } from './event-pages.js';
import type { PageCache, ReadPage } from './page-cache.js';

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
