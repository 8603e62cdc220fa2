import { createBell } from '@trikd/core/async/bell';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { createRun, loadRun, saveRun, stateKey } from '@trikd/core/run/stored/run-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { createRunLooks, createSharedReads, createWatcherLimit } from './watch-run.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;

/** Looks at a stored run; the bell rings when something may have changed. */
async function looksAt(name: string) {
  const memory = memoryStore();
  await createRun(memory, specFor('tiny', { name }));
  let reads = 0;
  const store: ObjectStore = {
    ...memory,
    get: (key) => {
      if (key === stateKey(name)) reads += 1;
      return memory.get(key);
    },
  };
  const bell = createBell();
  const looks = createRunLooks({ store, inQueue: (run) => run, news: bell.heard, drained: never });
  return { looks, ring: bell.ring, store: memory, reads: () => reads };
}

test('two hundred watchers of a resting run cost as many reads as one, and get the same snapshot', async () => {
  const { looks, ring, reads } = await looksAt('r');
  const watchers = Array.from({ length: 200 }, () => looks.next('r', never));
  ring();
  const seen = await Promise.all(watchers);
  expect(reads()).toBe(1);
  expect(new Set(seen.map(({ snapshot }) => snapshot)).size).toBe(1);
});

test('a look is never older than its call', async () => {
  const { looks, store } = await looksAt('r');
  const before = looks.now('r');
  const run = await loadRun(store, 'r');
  await saveRun(store, run, { request: 'a' });
  expect((await looks.now('r')).run.requests).toEqual(['a']);
  expect((await before).run.requests).toEqual([]);
});

test('a watcher that leaves does not wait, and the others still get their look', async () => {
  const { looks, ring } = await looksAt('r');
  const left = new AbortController();
  const [leaving, staying] = [looks.next('r', left.signal), looks.next('r', never)];
  left.abort(new Error('left'));
  await expect(leaving).rejects.toThrow('left');
  ring();
  expect((await staying).run.revision).toBe(1);
});

test('nobody polls a run that has no watcher', async () => {
  const { looks, ring, reads } = await looksAt('r');
  const watcher = looks.next('r', never);
  ring();
  await watcher;
  ring();
  await settled();
  expect(reads()).toBe(1);
});

/** Reads that the test answers, in order. */
function readsOf() {
  const begun: { readonly name: string; readonly answer: PromiseWithResolvers<number> }[] = [];
  const reads = createSharedReads((name) => {
    const answer = Promise.withResolvers<number>();
    begun.push({ name, answer });
    return answer.promise;
  });
  return { begun, reads };
}

test('a hundred calls during a read share the one that follows it, and none gets what is older than its call', async () => {
  const { begun, reads } = readsOf();
  const first = reads.fresh('r');
  const others = Array.from({ length: 100 }, () => reads.fresh('r'));
  expect(begun).toHaveLength(1);
  begun[0]!.answer.resolve(1);
  expect(await first).toBe(1);
  await Promise.resolve();
  expect(begun).toHaveLength(2);
  begun[1]!.answer.resolve(2);
  expect(await Promise.all(others)).toEqual(Array.from({ length: 100 }, () => 2));
  void reads.fresh('r');
  expect(begun).toHaveLength(3);
});

test('reads of different names do not wait for each other', () => {
  const { begun, reads } = readsOf();
  void reads.fresh('a');
  void reads.fresh('b');
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('a read that fails is reported to those who share it, and the next one is begun', async () => {
  const { begun, reads } = readsOf();
  const [first, second] = [reads.fresh('r'), reads.fresh('r')];
  begun[0]!.answer.reject(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await Promise.resolve();
  begun[1]!.answer.resolve(2);
  expect(await second).toBe(2);
});

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
