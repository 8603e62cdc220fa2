import { TrikdError } from '@trikd/core/domain/errors';

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
