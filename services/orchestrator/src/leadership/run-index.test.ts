import type { RunState } from '@trikd/core/run/state';
import { createRun, type SavedRun, stateKey } from '@trikd/core/run/stored/run-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { createRunIndex, createRunReader } from './run-index.js';

const specOf = (name: string) => specFor('bare', { name });
const never = new AbortController().signal;

test('all runs are read, however many there are', async () => {
  const store = memoryStore();
  const names = Array.from({ length: 40 }, (_, index) => `run-${index}`);
  for (const name of names) await createRun(store, specOf(name));
  const found: string[] = [];
  const { readAll } = createRunReader({ store, failed: () => undefined });
  await readAll(never, ({ spec }) => found.push(spec.name));
  expect(found.toSorted()).toEqual(names.toSorted());
});

test('a run that cannot be read is passed over, and reported once for each reason', async () => {
  const store = memoryStore();
  for (const name of ['a', 'b']) await createRun(store, specOf(name));
  await store.put(stateKey('a'), Buffer.from('{'));
  const reports: string[] = [];
  const { readAll, unreadable } = createRunReader({
    store,
    failed: (runId, error) => reports.push(`${runId}: ${error}`),
  });
  for (let look = 0; look < 3; look++) {
    const found: string[] = [];
    await readAll(never, ({ spec }) => found.push(spec.name));
    expect(found).toEqual(['b']);
  }
  expect([reports, unreadable()]).toEqual([[expect.stringMatching(/^a: /)], ['a']]);
  await store.put(stateKey('a'), Buffer.from('{"version": 99}'));
  await readAll(never, () => undefined);
  expect(reports).toHaveLength(2);
});

let revision = 0;
const run = (name: string, phase: RunState['phase'], number = 0) => {
  revision += 1;
  const placement = { priority: 0, number };
  return {
    spec: { name },
    state: { phase },
    revision,
    placement,
    times: { changed: {} },
    owner: { subject: 'ann' },
  } as SavedRun;
};

test('the runs of an owner that wait are counted as they come and go', () => {
  const index = createRunIndex(() => undefined);
  for (const name of ['a', 'b', 'c']) index.note(run(name, 'queued'));
  index.note(run('a', 'preparing'));
  index.note(run('b', 'queued', 1));
  expect(index.queuedOf('ann')).toBe(2);
  index.forget('b');
  expect([index.queuedOf('ann'), index.queuedOf('ben')]).toEqual([1, 0]);
  index.clear();
  expect(index.queuedOf('ann')).toBe(0);
});

test('only runs that have a trio or wait for one are decided about, and the others are known', () => {
  const index = createRunIndex(() => undefined);
  index.note(run('a', 'queued'));
  index.note(run('b', 'training'));
  index.note(run('c', 'training'));
  index.note(run('c', 'completed'));
  expect([...index.wanting()].map(({ runId }) => runId)).toEqual(['a', 'b']);
  expect(index.get('c')).toMatchObject({ phase: 'completed' });
});

test('a run that asks for another trio is something to decide: the claim before is not needed any more', () => {
  let changes = 0;
  const index = createRunIndex(() => {
    changes += 1;
  });
  index.note(run('a', 'queued'));
  index.note(run('a', 'queued', 1));
  index.note(run('a', 'queued', 1));
  expect(changes).toBe(2);
});
