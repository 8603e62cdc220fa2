import { loadRun } from '@trikd/core/run/run-store';
import { hasEnded } from '@trikd/core/run/state';
import type { ObjectStore } from '@trikd/core/store';
import { RunPhase, type WatchRunResponse } from '@trikd/platform/gen/trikd/v1/run';
import { drainedNews } from './driven-run.js';
import { readPages } from './event-pages.js';
import { eventOf, standing } from './messages.js';
import type { RunView } from './ports.js';
import type { Stories } from './stories.js';

/** What following a run needs. */
export interface WatchPorts {
  readonly store: ObjectStore;
  readonly stories: Stories;
  /** The newest that is known of a run. */
  find(runId: string): Promise<RunView>;
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
  const { store, stories, find, news, drained } = ports;
  let wanted = from;
  let seen: number | undefined;
  let caughtUp = from === 0;
  while (!signal.aborted) {
    const story = stories.get(runId);
    if (story) {
      // Followed before the first is told, so that nothing falls between the two.
      const rest = story.follow(wanted, signal);
      if (seen === undefined) yield standing(await find(runId));
      seen = 0;
      caughtUp = true;
      for await (const message of rest) {
        yield message;
        if (message.number > 0) wanted = message.number + 1;
        if (isLast(message)) return;
      }
      if (stories.get(runId) === story) await news(AbortSignal.any([signal, drained]));
      continue;
    }
    const { spec, state, times, revision } = await loadRun(store, runId);
    if (seen !== revision) yield standing({ spec, state, times });
    seen = revision;
    if (!caughtUp) {
      for await (const message of readPages(store, runId, wanted)) {
        yield message;
        if (message.number > 0) wanted = message.number + 1;
      }
      caughtUp = true;
    }
    if (hasEnded(state)) return;
    if (drained.aborted) {
      yield { event: eventOf(drainedNews(state)), number: 0, time: undefined };
      return;
    }
    await news(AbortSignal.any([signal, drained]));
  }
}

/** Whether nothing follows: the run has ended, or its orchestrator drains. */
function isLast({ event }: WatchRunResponse): boolean {
  if (event?.$case !== 'run') return event?.$case === 'drained';
  const { phase } = event.value;
  return (
    phase === RunPhase.RUN_PHASE_COMPLETED ||
    phase === RunPhase.RUN_PHASE_FAILED ||
    phase === RunPhase.RUN_PHASE_CANCELLED
  );
}
