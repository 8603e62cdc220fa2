import type { Clock } from '@trikd/core/async/clock';
import { readBlob } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { readTags } from '@trikd/core/run/stored/tags';
import { createRunPages, listCheckpoints } from '../api/list-runs.js';
import { cachedPages } from '../events/event-pages.js';
import { createRunLooks, createWatcherLimit, watchRun } from '../events/watch-run.js';
import { createNews } from '../leadership/leader.js';
import type { Orchestrator } from '../orchestrator.js';

/** What a viewer reads with. */
export interface ViewerPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Seconds between two looks at a run that is watched. */
  readonly look: number;
  /** Open streams of one run, at most. */
  readonly watchersPerRun: number;
}

/** Shows the runs of a store as an orchestrator does, and changes nothing: it never leads, and refuses every command. */
export function viewer({ store, clock, look, watchersPerRun }: ViewerPorts): Orchestrator {
  const drained = new AbortController();
  const pages = cachedPages(store);
  const { news, wake } = createNews(clock, look);
  const looks = createRunLooks({ store, inQueue: (run) => run, news, drained: drained.signal });
  const watchers = createWatcherLimit(watchersPerRun);
  const find = (runId: string) => loadRun(store, runId);
  const refuse = async () => {
    throw new TrikdError(
      'wrong-state',
      'these runs are shown from their store: call the orchestrator that drives them',
    );
  };
  return {
    viewOnly: true,
    ...createRunPages({ store, find, isDriven: () => false }),
    get: find,
    tags: (runId) => readTags(store, runId),
    checkpoints: async (runId) => listCheckpoints(store, (await find(runId)).state),
    blob: (runId, key, range) => readBlob(store, runId, key, range),
    watch: (wanted, signal) => {
      const broadcasts = { get: () => undefined };
      const ports = { store, broadcasts, looks, pages, find, drained: drained.signal };
      return watchers.counted(wanted.runId, () => watchRun(ports, wanted, signal));
    },
    create: refuse,
    tag: refuse,
    steer: refuse,
    remove: refuse,
    drain: async () => {
      drained.abort(new TrikdError('unavailable', 'the viewer is shutting down'));
      wake();
    },
  };
}
