import type { ObjectStore } from '@trikd/core/domain/object-store';
import { createRun, saveRun, stateKey } from '@trikd/core/run/run-store';
import { firstState } from '@trikd/core/run/state';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { createNextRun } from './next-run.js';

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };
const specOf = (name: string) =>
  RunSpec.parse({ name, data: { kind: 'synthetic' }, epochs: 2, student: role, teacher: role });
const never = new AbortController().signal;

function finderOver(store: ObjectStore) {
  const reports: string[] = [];
  const nextRun = createNextRun({ store, failed: (runId, error) => reports.push(`${runId}: ${error}`) });
  return { nextRun: () => nextRun(never), reports };
}

test('the next run is the first by name that has something to do', async () => {
  const store = memoryStore();
  for (const name of ['b', 'c']) await createRun(store, specOf(name));
  const paused = await createRun(store, specOf('a'));
  const { phase: _, ...rest } = firstState;
  await saveRun(store, paused, { state: { ...rest, phase: 'paused' } });
  expect((await finderOver(store).nextRun())?.spec.name).toBe('b');
});

test('a run that cannot be read is passed over, and reported once for each reason', async () => {
  const store = memoryStore();
  for (const name of ['a', 'b']) await createRun(store, specOf(name));
  await store.put(stateKey('a'), Buffer.from('{'));
  const { nextRun, reports } = finderOver(store);
  for (let look = 0; look < 3; look++) expect((await nextRun())?.spec.name).toBe('b');
  expect(reports).toEqual([expect.stringMatching(/^a: /)]);
  await store.put(stateKey('a'), Buffer.from('{"version": 99}'));
  await nextRun();
  expect(reports).toHaveLength(2);
});
