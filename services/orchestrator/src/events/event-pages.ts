import type { Clock } from '@trikd/core/async/clock';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { eventsFolder } from '@trikd/core/run/delete-run';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { missing } from '../api/messages.js';

/** Where a run's events survive the process that told them. */
export interface EventPages {
  /** The newest number that is kept; 0: none. */
  readonly newest: number;
  readonly add: (message: WatchRunResponse) => void;
  /** Events of which the number is in [from, until). What is not kept any more is said first. */
  readonly read: (from: number, until: number) => AsyncIterable<WatchRunResponse>;
  /** Resolves when everything is in the store, or cannot be brought there. */
  readonly close: () => Promise<void>;
}

export interface PagesPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Told once when events cannot be kept; the run does not depend on it. */
  failed(error: unknown): void;
}

/** Events of a page. It is written again with each event, or rather after a while, until it is full. */
const PAGE = 512;
/** Pages of a run that are kept. */
const PAGES = 64;
/** Pages that wait for a store that is away. */
const BACKLOG = 4;
/** Seconds that an event may be lost with the process. */
const DELAY = 5;

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

/** The pages of a run, to go on with. */
export async function openPages(runId: string, { store, clock, failed }: PagesPorts): Promise<EventPages> {
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
        if (length < PAGE) break;
        open = open.slice(1);
      }
      while (kept.length > PAGES) await store.remove(kept.shift() ?? '');
    } catch (error) {
      if (!broken) failed(error);
      broken = true;
    }
  };
  const flushLater = async () => {
    await clock.sleep(1000 * DELAY, closed.signal).catch(() => undefined);
    later = undefined;
    writing = writing.then(flush);
    await writing;
  };

  return {
    newest,
    add(message) {
      let page = open.at(-1);
      if (!page || page.lines.length >= PAGE) {
        page = { key: keyOf(runId, number, message.number), lines: [] };
        number += 1;
        open = [...open, page].slice(-BACKLOG);
      }
      page.lines.push(JSON.stringify(WatchRunResponse.toJSON(message)));
      later ??= flushLater();
    },
    read: (from, until) => readPages(store, runId, from, until),
    async close() {
      closed.abort(new Error('the pages are closed'));
      await later;
      await writing;
    },
  };
}

/** What is kept of a run's events, whoever told them: those of which the number is in [from, until). */
export async function* readPages(
  store: ObjectStore,
  runId: string,
  from: number,
  until = Number.POSITIVE_INFINITY,
): AsyncGenerator<WatchRunResponse> {
  const places = (await store.list(eventsFolder(runId))).flatMap((key) => placeOf(key) ?? []);
  const [oldest] = places;
  if (oldest && oldest.page > 0 && from < oldest.first) yield missing(from, oldest.first);
  for (const [index, { key, first }] of places.entries()) {
    const next = places[index + 1]?.first ?? Number.POSITIVE_INFINITY;
    if (first >= until || next <= from) continue;
    for (const message of await linesOf(store, key)) {
      if (message.number >= from && message.number < until) yield message;
    }
  }
}

/** The events of a page that can be read. They are for looking back: a run depends on none of them. */
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
