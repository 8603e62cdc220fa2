import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { expect, test } from 'vitest';
import { createPageCache } from './event-pages.js';

const event = (number: number): WatchRunResponse => ({ event: undefined, number, time: undefined });
const run = (created?: string) => ({ times: created === undefined ? {} : { created } });

/** A store of pages, with the keys that were read. Pages of two events are full. */
function pagesOf(pages: Record<string, readonly WatchRunResponse[]>) {
  const read: string[] = [];
  const cache = createPageCache(
    async (key) => {
      read.push(key);
      return pages[key] ?? [];
    },
    (page) => page.length === 2,
  );
  return { read, cache };
}

test('a full page is read once, however many want it, and all get the same messages', async () => {
  const { read, cache } = pagesOf({ a: [event(1), event(2)] });
  const page = cache.of(run('today'));
  const [first, second] = await Promise.all([page('a'), page('a')]);
  expect(await page('a')).toBe(first);
  expect(second).toBe(first);
  expect(read).toEqual(['a']);
});

test('a page that can still change is read again', async () => {
  const { read, cache } = pagesOf({ a: [event(1)] });
  const page = cache.of(run('today'));
  await page('a');
  await page('a');
  expect(read).toEqual(['a', 'a']);
});

test('a run that was created again under its old name does not get the pages of the run before', async () => {
  const { read, cache } = pagesOf({ a: [event(1), event(2)] });
  await cache.of(run('today'))('a');
  await cache.of(run('tomorrow'))('a');
  await cache.of(run())('a');
  await cache.of(run())('a');
  expect(read).toEqual(['a', 'a', 'a', 'a']);
});

test('the cache is bounded, and keeps what was wanted last', async () => {
  const keys = Array.from({ length: 65 }, (_, index) => `page ${index}`);
  const { read, cache } = pagesOf(Object.fromEntries(keys.map((key) => [key, [event(1), event(2)]])));
  const page = cache.of(run('today'));
  for (const key of keys) await page(key);
  await page(keys[64]!);
  expect(read).toHaveLength(65);
  await page(keys[0]!);
  expect(read).toHaveLength(66);
});
