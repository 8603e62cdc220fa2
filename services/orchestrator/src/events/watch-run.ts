import type { ObjectStore } from '@trikd/core/domain/object-store';
import { loadRun } from '@trikd/core/run/run-store';
import { hasEnded } from '@trikd/core/run/state';
import { fromRunEvent } from '@trikd/protocol/convert-run';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal, phaseIn } from '@trikd/protocol/run-phases';
import { snapshotEvent } from '../api/messages.js';
import type { RunView } from '../runs/ports.js';
import type { Broadcasts } from './broadcasts.js';
import { readPages } from './event-pages.js';
import { drainedEvent } from './run-changes.js';

/** What following a run needs. */
export interface WatchPorts {
  readonly store: ObjectStore;
  readonly broadcasts: Broadcasts;
  /** The newest that is known of a run. */
  find(runId: string): Promise<RunView>;
  /** A run that is not driven here, with what it waits for. */
  placed(run: RunView): RunView;
  /** Resolves when something may have changed, or after a while. */
  news(signal: AbortSignal): Promise<void>;
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
}

/**
 * A snapshot of the run, then its events. Where another orchestrator drives the run, the events are those that are stored, and a
 * snapshot follows whenever its state changes.
 */
export async function* watchRun(
  ports: WatchPorts,
  { runId, from, pastOnly }: EventsWanted,
  signal: AbortSignal,
): AsyncGenerator<WatchRunResponse> {
  const { store, broadcasts, find, placed, news, drained } = ports;
  let wanted = from;
  let caughtUp = from === 0;
  /** Revision of the state that the last snapshot shows; 0: events of a broadcast followed it. */
  let seen: number | undefined;
  let last: WatchRunResponse | undefined;
  while (!signal.aborted) {
    const broadcast = broadcasts.get(runId);
    if (broadcast && !broadcast.over()) {
      // Followed before the snapshot is taken, so that no event falls between the two.
      const rest = broadcast.follow(wanted, signal, pastOnly);
      if (seen === undefined) yield snapshotEvent(await find(runId));
      seen = 0;
      caughtUp = true;
      for await (last of rest) {
        yield last;
        if (last.number > 0) wanted = last.number + 1;
      }
      if (pastOnly || (drained.aborted && last?.event?.$case === 'drained')) return;
      continue;
    }
    const run = await loadRun(store, runId);
    const { state, revision } = run;
    const ended = hasEnded(state);
    const now = snapshotEvent(placed(run));
    const known = seen === revision || (seen === 0 && ended && isEnd(last));
    if (!known) yield now;
    seen = revision;
    if (!caughtUp) {
      last = now;
      for await (const message of readPages(store, runId, wanted)) {
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
    await news(AbortSignal.any([signal, drained]));
  }
}

/** Whether a message says that the run has ended. */
function isEnd(message: WatchRunResponse | undefined): boolean {
  const phase = phaseIn(message?.event);
  return phase !== undefined && isFinal(phase);
}
