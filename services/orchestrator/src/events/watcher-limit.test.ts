import { expect, test } from 'vitest';
import { createWatcherLimit } from './watcher-limit.js';

async function* one() {
  yield 1;
  yield 2;
}

test('a run has a limited number of watchers, and one that leaves makes room', async () => {
  const limit = createWatcherLimit(2);
  const [first, second] = [limit.counted('a', one), limit.counted('a', one)];
  await first.next();
  await second.next();
  await expect(limit.counted('a', one).next()).rejects.toMatchObject({
    kind: 'exhausted',
    message: 'limits.watchersPerRun allows 2 watchers of run a',
  });
  expect(await limit.counted('b', one).next()).toMatchObject({ value: 1 });
  await first.return(undefined);
  expect(await limit.counted('a', one).next()).toMatchObject({ value: 1 });
});
