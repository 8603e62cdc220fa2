import type { Clock } from '@trikd/core/async/clock';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { eventsFolder } from '@trikd/core/run/stored/collector';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { missing } from '../api/messages.js';

/** A run's events in the store, where they survive the process that emitted them. */
export interface EventPages {
  /** The newest number that is kept; 0: none. */
  readonly newest: number;
  readonly add: (message: WatchRunResponse) => void;
  /** Events whose number is in [from, until); first a note if the oldest of them are not kept any more. */
  readonly read: (from: number, until: number) => AsyncIterable<WatchRunResponse>;
  /** Resolves when everything is in the store, or cannot be stored. */
  readonly close: () => Promise<void>;
}

export interface PagesPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Reads a page. Default: from the store. */
  readonly readPage?: ReadPage;
  /** Called once when events cannot be stored; the run does not depend on it. */
  failed(error: unknown): void;
}

/** A page is written again at intervals until it is full. */
const EVENTS_PER_PAGE = 512;
/** Older pages are removed. */
const PAGES_KEPT = 64;
/** Pages that wait in memory for a store that is away; older ones are lost. */
const MOST_UNSTORED_PAGES = 4;
/** Seconds until an event is stored: what may be lost with the process. */
const WRITE_DELAY = 5;

interface Page {
  readonly key: string;
  readonly lines: string[];
}

const keyOf = (runId: string, page: number, first: number) =>
  `${eventsFolder(runId)}${`${page}`.padStart(8, '0')}-${`${first}`.padStart(16, '0')}.jsonl`;

/** Which page an object is, and the number of its first event. */
function placeOf(key: string): { readonly key: string; readonly page: number; readonly first: number } | undefined {
  const [, page, first] = /\/(\d{8})-(\d{16})\.jsonl$/.exec(key) ?? [];
  return page === undefined || first === undefined ? undefined : { key, page: Number(page), first: Number(first) };
}

/** The pages of a run, ready for more events. */
export async function openPages(runId: string, { store, clock, failed, readPage }: PagesPorts): Promise<EventPages> {
  const written = (await store.list(eventsFolder(runId))).flatMap((key) => placeOf(key) ?? []);
  const last = written.at(-1);
  const newest = last ? ((await linesOf(store, last.key)).at(-1)?.number ?? last.first) : 0;
  const kept = written.map(({ key }) => key);
  let number = last ? last.page + 1 : 0;
  let open: Page[] = [];
  const closed = new AbortController();
  let later: Promise<void> | undefined;
  let writing: Promise<void> = Promise.resolve();
  let broken = false;

  const flush = async () => {
    try {
      while (open[0]) {
        const [page] = open;
        const length = page.lines.length;
        await store.put(page.key, Buffer.from(`${page.lines.join('\n')}\n`));
        if (kept.at(-1) !== page.key) kept.push(page.key);
        broken = false;
        if (length < EVENTS_PER_PAGE) break;
        open = open.slice(1);
      }
      while (kept.length > PAGES_KEPT) await store.remove(kept.shift() ?? '');
    } catch (error) {
      if (!broken) failed(error);
      broken = true;
    }
  };
  const flushLater = async () => {
    await clock.sleep(1000 * WRITE_DELAY, closed.signal).catch(() => undefined);
    later = undefined;
    writing = writing.then(flush);
    await writing;
  };

  return {
    newest,
    add(message) {
      let page = open.at(-1);
      if (!page || page.lines.length >= EVENTS_PER_PAGE) {
        page = { key: keyOf(runId, number, message.number), lines: [] };
        number += 1;
        open = [...open, page].slice(-MOST_UNSTORED_PAGES);
      }
      page.lines.push(JSON.stringify(WatchRunResponse.toJSON(message)));
      later ??= flushLater();
    },
    read: (from, until) => readPages(store, runId, from, until, readPage),
    async close() {
      closed.abort(new Error('the pages are closed'));
      await later;
      await writing;
    },
  };
}

/** The stored events of a run, from all orchestrators: those whose number is in [from, until). */
export async function* readPages(
  store: ObjectStore,
  runId: string,
  from: number,
  until = Number.POSITIVE_INFINITY,
  readPage: ReadPage = (key) => linesOf(store, key),
): AsyncGenerator<WatchRunResponse> {
  const places = (await store.list(eventsFolder(runId))).flatMap((key) => placeOf(key) ?? []);
  const [oldest] = places;
  if (oldest && oldest.page > 0 && from < oldest.first) yield missing(from, oldest.first);
  for (const [index, { key, first }] of places.entries()) {
    const next = places[index + 1]?.first ?? Number.POSITIVE_INFINITY;
    if (first >= until || next <= from) continue;
    for (const message of await readPage(key)) {
      if (message.number >= from && message.number < until) yield message;
    }
  }
}

/** The first number of the newest pages that have at least `count` events between them, if the run has as many. */
export async function firstOfNewest(store: ObjectStore, runId: string, count: number): Promise<number> {
  const places = (await store.list(eventsFolder(runId))).flatMap((key) => placeOf(key) ?? []);
  // The last page may have few events yet.
  const pages = Math.ceil(count / EVENTS_PER_PAGE) + 1;
  return places.slice(-pages)[0]?.first ?? 1;
}

/** A cache of the pages of a store. */
export function cachedPages(store: ObjectStore): PageCache {
  return createPageCache(
    (key) => linesOf(store, key),
    (page) => page.length >= EVENTS_PER_PAGE,
  );
}

/** The events of a page, without lines that cannot be read: a run depends on none of them. */
async function linesOf(store: ObjectStore, key: string): Promise<readonly WatchRunResponse[]> {
  const object = await store.get(key);
  if (!object) return [];
  return Buffer.from(object.bytes)
    .toString()
    .split('\n')
    .flatMap((line) => {
      try {
        return line === '' ? [] : WatchRunResponse.fromJSON(JSON.parse(line));
      } catch {
        return [];
      }
    });
}

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
