import { eventOf, type RunEvent } from '@trikd/events/event';
import { emptyHistory, foldAll, type RunHistory, withRun } from '@trikd/events/run-history';
import { hasEnded } from '@trikd/events/words';
import { GetRunResponse } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { ApiError, api } from './api.js';

/** A run as this page knows it. */
export interface LiveRun {
  readonly history: RunHistory;
  /** `lost`: what is shown may be old; the page tries again by itself. */
  readonly connection: 'connecting' | 'live' | 'lost' | 'ended';
  /** Why there is nothing to show. */
  readonly problem?: string;
}

export interface Follower {
  /** Asks at once, after something was done. */
  readonly refresh: () => void;
  readonly stop: () => void;
}

/** Milliseconds: events are shown together, so that a long history does not draw thousands of pictures. */
const FRAME = 100;
const RETRY = 1000;
/** A failed run may be resumed by somebody else. */
const LOOK = 4000;
/** The service says something every 15 seconds: a connection that is silent for longer is dead, though nobody said so. */
const SILENCE = 40_000;

/** Follows a run by server-sent events, and goes on after the last one when the connection was lost. */
export function followRun(runId: string, show: (run: LiveRun) => void): Follower {
  const path = `/runs/${encodeURIComponent(runId)}`;
  let live: LiveRun = { history: emptyHistory, connection: 'connecting' };
  let waiting: RunEvent[] = [];
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let frame: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const change = (part: Partial<LiveRun>) => {
    if (stopped) return;
    live = { ...live, ...part };
    show(live);
  };
  const foldWaiting = () => {
    frame = undefined;
    const events = waiting;
    waiting = [];
    change({ history: foldAll(events, live.history) });
  };
  const later = (work: () => void, milliseconds: number) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(work, milliseconds);
  };
  const heard = () => {
    clearTimeout(watchdog);
    if (stopped) return;
    watchdog = setTimeout(() => {
      change({ connection: 'lost' });
      open();
    }, SILENCE);
  };
  const close = () => {
    clearTimeout(watchdog);
    source?.close();
    source = undefined;
  };

  const open = () => {
    close();
    const opened = new EventSource(`/api${path}/events?from=${live.history.lastEvent + 1}`);
    source = opened;
    heard();
    opened.addEventListener('open', () => change({ connection: 'live' }));
    opened.addEventListener('beat', heard);
    opened.addEventListener('message', ({ data }) => {
      heard();
      waiting.push(eventOf(JSON.parse(data)));
      frame ??= setTimeout(foldWaiting, FRAME);
    });
    opened.addEventListener('end', () => {
      close();
      foldWaiting();
      const over = live.history.run && hasEnded(live.history.run.phase);
      change({ connection: over ? 'ended' : 'lost' });
      later(over ? look : open, over ? LOOK : RETRY);
    });
    opened.addEventListener('error', () => {
      change({ connection: 'lost' });
      // The browser tries again by itself, unless it was refused.
      if (opened.readyState === EventSource.CLOSED) later(look, RETRY);
    });
  };

  /** Asks how the run stands: whether it exists, and whether there is something to follow again. */
  const look = async () => {
    try {
      const { run } = GetRunResponse.fromJSON(await api('GET', path));
      if (!run || stopped) return;
      change({ history: withRun(live.history, run) });
      if (source && source.readyState !== EventSource.CLOSED) return;
      if (!hasEnded(run.phase) || live.history.lastEvent === 0) open();
      else later(look, LOOK);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) change({ problem: error.message, connection: 'ended' });
      else change({ connection: 'lost' });
      later(look, LOOK);
    }
  };

  open();
  void look();
  return {
    refresh: () => void look(),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      clearTimeout(frame);
      close();
    },
  };
}
