import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

/** The events of a page by its key. */
export type ReadPage = (key: string) => Promise<readonly WatchRunResponse[]>;

/** Full pages, which never change again: read and decoded once, however many watchers want them, and encoded once. */
export interface PageCache {
  /** Reads the pages of a run. A run that was deleted and created again has pages of the same keys, but was created at another time. */
  of(run: { readonly times: { readonly created?: string } }): ReadPage;
}

/** A page takes about half a megabyte of memory. */
const MOST_PAGES = 64;

/** @param isFull whether a page can still change */
export function createPageCache(read: ReadPage, isFull: (page: readonly WatchRunResponse[]) => boolean): PageCache {
  /** The one that was not wanted for longest comes first. */
  const kept = new Map<string, Promise<readonly WatchRunResponse[]>>();

  const cached = (name: string, key: string) => {
    const page = kept.get(name) ?? read(key);
    kept.delete(name);
    kept.set(name, page);
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_PAGES) break;
      kept.delete(oldest);
    }
    const forget = () => {
      if (kept.get(name) === page) kept.delete(name);
    };
    page.then((events) => isFull(events) || forget(), forget);
    return page;
  };
  return {
    of:
      ({ times: { created } }) =>
      (key) =>
        created === undefined ? read(key) : cached(`${created} ${key}`, key),
  };
}
