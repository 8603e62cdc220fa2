import type { ObjectStore } from '@trikd/core/domain/object-store';
import { loadRun } from '@trikd/core/run/run-store';
import { hasEnded } from '@trikd/core/run/state';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal } from '@trikd/protocol/run-phases';
import { eventOf, standing } from '../api/messages.js';
import { drainedNews } from '../runs/driven-run.js';
import type { RunView } from '../runs/ports.js';
import { readPages } from './event-pages.js';
import type { Stories } from './stories.js';

/** What following a run needs. */
export interface WatchPorts {
  readonly store: ObjectStore;
  readonly stories: Stories;
  /** The newest that is known of a run. */
  find(runId: string): Promise<RunView>;
  /** A run that is not driven here, with what it waits for. */
  placed(run: RunView): RunView;
  /** Resolves when there may be something new, or after a while. */
  news(signal: AbortSignal): Promise<void>;
  /** Aborts when the process is to end. */
  readonly drained: AbortSignal;
}

/** How things stand, then what happens. Where another orchestrator drives the run, that is what the store says, again and again. */
export async function* watchRun(
  ports: WatchPorts,
  runId: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<WatchRunResponse> {
  const { store, stories, find, placed, news, drained } = ports;
  let wanted = from;
  let caughtUp = from === 0;
  /** Revision of the state that was told last; 0: what a story tells. */
  let seen: number | undefined;
  let last: WatchRunResponse | undefined;
  while (!signal.aborted) {
    const story = stories.get(runId);
    if (story && !story.over()) {
      // Followed before the first is told, so that nothing falls between the two.
      const rest = story.follow(wanted, signal);
      if (seen === undefined) yield standing(await find(runId));
      seen = 0;
      caughtUp = true;
      for await (last of rest) {
        yield last;
        if (last.number > 0) wanted = last.number + 1;
      }
      if (drained.aborted && last?.event?.$case === 'drained') return;
      continue;
    }
    const { spec, state, times, revision } = await loadRun(store, runId);
    const told = seen === 0 && hasEnded(state) && saysItEnded(last);
    const now = standing(placed({ spec, state, times }));
    if (seen !== revision && !told) yield now;
    seen = revision;
    if (!caughtUp) {
      last = now;
      for await (const message of readPages(store, runId, wanted)) {
        yield message;
        if (message.number > 0) wanted = message.number + 1;
        if (message.event?.$case === 'run') last = message;
      }
      caughtUp = true;
      // The newest events are lost with a process that dies: a run that has ended is not left as if it went on.
      if (hasEnded(state) && !saysItEnded(last)) yield now;
    }
    if (hasEnded(state)) return;
    if (drained.aborted) {
      yield { event: eventOf(drainedNews(state)), number: 0, time: undefined };
      return;
    }
    await news(AbortSignal.any([signal, drained]));
  }
}

function saysItEnded(message: WatchRunResponse | undefined): boolean {
  return message?.event?.$case === 'run' && isFinal(message.event.value.phase);
}
