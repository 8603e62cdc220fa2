import { createBell } from '@trikd/core/async/bell';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { createRun, loadRun, saveRun, stateKey } from '@trikd/core/run/run-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { createRunLooks } from './run-looks.js';

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
