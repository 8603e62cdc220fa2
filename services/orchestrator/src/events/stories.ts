import type { Clock } from '@trikd/core/async/clock';
import type { EventLog } from './event-log.js';
import type { EventPages } from './event-pages.js';
import { type Story, story } from './story.js';

/** The stories that this process tells: those of the runs that it drives or has steered while it leads. */
export interface Stories {
  readonly get: (runId: string) => Story | undefined;
  /** The story of a run, begun if need be. Numbers rise from leader to leader, since terms do. */
  readonly open: (runId: string, term: number) => Promise<Story>;
  /** Resolves when what was told is kept. */
  readonly end: (runId: string, failure?: Error) => Promise<void>;
  /** Ends all of them, each with what there is to say about the run. */
  readonly endAll: (failureOf: (runId: string) => Error | undefined) => Promise<void>;
}

export interface StoriesPorts {
  openLog(runId: string): EventLog;
  openPages(runId: string): Promise<EventPages>;
  date(): Date;
  readonly clock: Clock;
}

/** Events that a leader can tell of a run in one term. */
const TERM = 2 ** 32;

export function createStories({ openLog, openPages, date, clock }: StoriesPorts): Stories {
  const told = new Map<string, Story>();
  const opening = new Map<string, Promise<Story>>();
  /** The newest number of runs that were told of and are not any more. */
  const newest = new Map<string, number>();

  const begin = async (runId: string, term: number) => {
    const pages = await openPages(runId);
    const after = Math.max(term * TERM, pages.newest, newest.get(runId) ?? 0);
    const begun = story({ after, pages, log: openLog(runId), clock, now: date });
    told.set(runId, begun);
    return begun;
  };
  const end = async (runId: string, failure?: Error) => {
    const ending = told.get(runId);
    if (!ending) return;
    ending.end(failure);
    newest.set(runId, ending.newest());
    await ending.close();
    if (told.get(runId) === ending) told.delete(runId);
  };
  return {
    get: (runId) => told.get(runId),
    open: async (runId, term) => {
      const present = told.get(runId) ?? opening.get(runId);
      if (present) return present;
      const begun = begin(runId, term).finally(() => opening.delete(runId));
      opening.set(runId, begun);
      return begun;
    },
    end,
    endAll: async (failureOf) => {
      await Promise.all([...told.keys()].map((runId) => end(runId, failureOf(runId))));
    },
  };
}
