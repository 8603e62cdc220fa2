import { eventOf } from '@trikd/events/event';
import { hasEnded } from '@trikd/events/names';
import { emptyHistory, foldAll, type RunHistory, withRun } from '@trikd/events/run-history';
import { GetRunResponse, type WatchRunResponse } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { ApiError, api } from '../api.js';

/** The run of a page. */
export interface LiveRun {
  readonly history: RunHistory;
  /** Of the run; absent until they were read. */
  readonly tags?: readonly string[];
  /** `lost`: the page may be out of date, and reconnects by itself. */
  readonly connection: 'connecting' | 'live' | 'lost' | 'ended';
  /** Why the page has nothing to show. */
  readonly problem?: string;
}

export interface Follower {
  /** Reads the run at once, after a request changed it. */
  readonly refresh: () => void;
  readonly stop: () => void;
}

// All in milliseconds.
/** Events of this time are drawn together, so that a long history does not redraw the page thousands of times. */
const FOLD_INTERVAL = 100;
const RECONNECT_DELAY = 1000;
/** Between two reads of an active run: no event says that it now waits behind another run. */
const REFRESH_INTERVAL = 2000;
/** Between two reads of a run that has ended: another client may resume it. */
const POLL_INTERVAL = 4000;
/** The service sends a beat every 15 seconds: a connection that is silent for this long is dead. */
const LONGEST_SILENCE = 40_000;

/** Follows a run by server-sent events. After a lost connection it continues behind the last event. */
export function followRun(runId: string, show: (run: LiveRun) => void): Follower {
  const path = `/runs/${encodeURIComponent(runId)}`;
  let live: LiveRun = { history: emptyHistory, connection: 'connecting' };
  let waiting: WatchRunResponse[] = [];
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let frame: ReturnType<typeof setTimeout> | undefined;
  let refresh: ReturnType<typeof setTimeout> | undefined;
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
  const alive = () => {
    clearTimeout(watchdog);
    if (stopped) return;
    watchdog = setTimeout(() => {
      change({ connection: 'lost' });
      open();
    }, LONGEST_SILENCE);
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
    alive();
    opened.addEventListener('open', () => change({ connection: 'live' }));
    opened.addEventListener('beat', alive);
    opened.addEventListener('message', ({ data }) => {
      alive();
      waiting.push(eventOf(JSON.parse(data)));
      frame ??= setTimeout(foldWaiting, FOLD_INTERVAL);
    });
    opened.addEventListener('end', () => {
      close();
      foldWaiting();
      const over = live.history.run && hasEnded(live.history.run.phase);
      change({ connection: over ? 'ended' : 'lost' });
      later(over ? look : open, over ? POLL_INTERVAL : RECONNECT_DELAY);
    });
    opened.addEventListener('error', () => {
      change({ connection: 'lost' });
      // The browser reconnects by itself, unless the service refused the request.
      if (opened.readyState === EventSource.CLOSED) later(look, RECONNECT_DELAY);
    });
  };

  /** Reads the run: whether it exists, how far it is, and whether it has events to follow again. */
  const look = async () => {
    try {
      const { run, tags } = GetRunResponse.fromJSON(await api('GET', path));
      if (!run || stopped) return;
      change({ history: withRun(live.history, run), tags });
      if (source && source.readyState !== EventSource.CLOSED) return;
      if (!hasEnded(run.phase) || live.history.lastEvent === 0) open();
      else later(look, POLL_INTERVAL);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) change({ problem: error.message, connection: 'ended' });
      // A stream that is open, or reconnects, says by itself how the connection is.
      else if (source && source.readyState !== EventSource.CLOSED) return;
      else change({ connection: 'lost' });
      later(look, POLL_INTERVAL);
    }
  };
  const refreshSoon = () => {
    refresh = setTimeout(async () => {
      if (live.connection === 'live' && !document.hidden) await look();
      if (!stopped) refreshSoon();
    }, REFRESH_INTERVAL);
  };

  open();
  void look();
  refreshSoon();
  return {
    refresh: () => void look(),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      clearTimeout(frame);
      clearTimeout(refresh);
      close();
    },
  };
}
