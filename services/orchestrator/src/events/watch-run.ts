import type { ObjectStore } from '@trikd/core/domain/object-store';
import { drainedEvent } from '@trikd/core/run/run-changes';
import type { RunView } from '@trikd/core/run/run-view';
import { hasEnded } from '@trikd/core/run/state';
import { fromRunEvent } from '@trikd/protocol/convert-run';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal, phaseIn } from '@trikd/protocol/run-phases';
import { snapshotEvent } from '../api/messages.js';
import type { Broadcasts } from './broadcasts.js';
import { firstOfNewest, readPages } from './event-pages.js';
import type { PageCache } from './page-cache.js';
import type { Look, RunLooks } from './run-looks.js';

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
