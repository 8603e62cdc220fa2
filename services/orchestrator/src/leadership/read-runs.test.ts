import { createRun, stateKey } from '@trikd/core/run/run-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { createRunReader } from './read-runs.js';

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
