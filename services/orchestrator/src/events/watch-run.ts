import { orAborted } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { drainedEvent, type RunView } from '@trikd/core/run/run-view';
import { hasEnded } from '@trikd/core/run/state';
import { loadRun, type SavedRun } from '@trikd/core/run/stored/run-store';
import { fromRunEvent } from '@trikd/protocol/convert-run';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal, phaseIn } from '@trikd/protocol/run-phases';
import { snapshotEvent } from '../api/messages.js';
import type { Broadcasts } from './broadcasts.js';
import { firstOfNewest, type PageCache, readPages } from './event-pages.js';

/** What following a run needs. */
export interface WatchPorts {
  readonly store: ObjectStore;
  readonly broadcasts: Pick<Broadcasts, 'get'>;
  readonly looks: RunLooks;
  readonly pages: PageCache;
  /** The newest that is known of a run. */
  find(runId: string): Promise<RunView>;
  /** Aborts when the process is to end. */
  readonly drained: AbortSignal;
}

/** Which events of a run are wanted. */
export interface EventsWanted {
  readonly runId: string;
  /** The first number; 0: those from now on. */
  readonly from: number;
  /** None but those that are kept by now. */
  readonly pastOnly: boolean;
  /** With `from` 0: begins with at least this many of the newest that are kept. */
  readonly newest?: number;
}

/**
 * A snapshot of the run, then its events. Where another orchestrator drives the run, the events are those that are stored, and a
 * snapshot follows whenever its state changes. A watcher that has left costs nothing more: the signal is checked after every wait.
 */
export async function* watchRun(
  ports: WatchPorts,
  { runId, from, pastOnly, newest = 0 }: EventsWanted,
  signal: AbortSignal,
): AsyncGenerator<WatchRunResponse> {
  const { store, broadcasts, looks, pages, find, drained } = ports;
  if (signal.aborted) return;
  let wanted = from === 0 && newest > 0 ? await firstOfNewest(store, runId, newest) : from;
  let caughtUp = wanted === 0;
  /** What the last snapshot shows: revision and place in the queue. `events`: those of a broadcast followed it. */
  let seen: string | undefined;
  let last: WatchRunResponse | undefined;
  let look: Look | undefined;
  while (!signal.aborted) {
    const broadcast = broadcasts.get(runId);
    if (broadcast && !broadcast.over()) {
      // Followed before the snapshot is taken, so that no event falls between the two.
      const rest = broadcast.follow(wanted, signal, pastOnly);
      if (seen !== 'events') yield snapshotEvent(await find(runId));
      if (signal.aborted) return;
      seen = 'events';
      look = undefined;
      caughtUp = true;
      for await (last of rest) {
        yield last;
        if (last.number > 0) wanted = last.number + 1;
      }
      if (pastOnly || (drained.aborted && last?.event?.$case === 'drained')) return;
      continue;
    }
    look ??= await looks.now(runId);
    const { run, snapshot: now } = look;
    const { state, revision, queued } = run;
    const shown = `${revision} ${queued?.message}`;
    const ended = hasEnded(state);
    const known = seen === shown || (seen === 'events' && ended && isEnd(last));
    if (!known) yield now;
    seen = shown;
    if (!caughtUp) {
      last = now;
      for await (const message of readPages(store, runId, wanted, undefined, pages.of(run))) {
        if (signal.aborted) return;
        yield message;
        if (message.number > 0) wanted = message.number + 1;
        if (phaseIn(message.event) !== undefined) last = message;
      }
      caughtUp = true;
      // The newest events may be lost with the process that emitted them: the stream still ends with the end of the run.
      if (ended && !isEnd(last)) yield now;
    }
    if (ended || pastOnly) return;
    if (drained.aborted) {
      yield { event: fromRunEvent(drainedEvent(state)), number: 0, time: undefined };
      return;
    }
    look = await looks.next(runId, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
  }
}

/** Whether a message says that the run has ended. */
function isEnd(message: WatchRunResponse | undefined): boolean {
  const phase = phaseIn(message?.event);
  return phase !== undefined && isFinal(phase);
}

/** A run as it is stored, and its snapshot: all watchers get the same message, which is encoded once. */
interface Look {
  readonly run: SavedRun & Pick<RunView, 'queued'>;
  readonly snapshot: WatchRunResponse;
}

/** Looks at the stored runs that are watched: one look at a time for each run, however many watch it. */
interface RunLooks {
  /** The run at this call, or later. */
  now(runId: string): Promise<Look>;
  /** The run when it may have changed, or the signal's reason. All who wait for the same run wait for the same look. */
  next(runId: string, signal: AbortSignal): Promise<Look>;
}

export interface LookPorts {
  readonly store: ObjectStore;
  /** A run that is not driven here, with its place in the queue. */
  inQueue(run: SavedRun): SavedRun & Pick<RunView, 'queued'>;
  /** Resolves when something may have changed, or after a while. */
  news(signal: AbortSignal): Promise<void>;
  /** Aborts when the process is to end: nobody waits any longer. */
  readonly drained: AbortSignal;
}

export function createRunLooks({ store, inQueue, news, drained }: LookPorts): RunLooks {
  const reads = createSharedReads(async (runId) => {
    const run = inQueue(await loadRun(store, runId));
    return { run, snapshot: snapshotEvent(run) };
  });
  const polls = new Map<string, Promise<Look>>();
  const poll = async (runId: string) => {
    await news(drained);
    polls.delete(runId);
    return reads.fresh(runId);
  };
  return {
    now: (runId) => reads.fresh(runId),
    next(runId, signal) {
      const shared = polls.get(runId) ?? poll(runId);
      polls.set(runId, shared);
      return orAborted(shared, signal);
    },
  };
}

/** Reads things by their name, and shares each read between all who want it at the same time. */
export interface SharedReads<T> {
  /** What a read yields that begins at or after this call. While one is under way, all further calls share the one that follows it. */
  fresh(name: string): Promise<T>;
}

interface Reads<T> {
  readonly current: Promise<T>;
  next?: Promise<T>;
}

export function createSharedReads<T>(read: (name: string) => Promise<T>): SharedReads<T> {
  const underWay = new Map<string, Reads<T>>();

  const begin = (name: string): Promise<T> => {
    const reads: Reads<T> = { current: read(name) };
    underWay.set(name, reads);
    const over = () => {
      if (underWay.get(name) === reads && !reads.next) underWay.delete(name);
    };
    reads.current.then(over, over);
    return reads.current;
  };
  return {
    fresh(name) {
      const reads = underWay.get(name);
      if (!reads) return begin(name);
      const follow = () => begin(name);
      reads.next ??= reads.current.then(follow, follow);
      return reads.next;
    },
  };
}

/** Counts the watchers of each run. */
export interface WatcherLimit {
  /** The items of a watcher. @throws TrikdError 'exhausted' if the run has too many already */
  counted<T>(runId: string, items: () => AsyncIterable<T>): AsyncGenerator<T>;
}

export function createWatcherLimit(most: number): WatcherLimit {
  const watchers = new Map<string, number>();
  return {
    async *counted(runId, items) {
      const others = watchers.get(runId) ?? 0;
      if (others >= most) {
        throw new TrikdError('exhausted', `limits.watchersPerRun allows ${most} watchers of run ${runId}`, {
          run: runId,
        });
      }
      watchers.set(runId, others + 1);
      try {
        yield* items();
      } finally {
        const left = (watchers.get(runId) ?? 1) - 1;
        if (left === 0) watchers.delete(runId);
        else watchers.set(runId, left);
      }
    },
  };
}
