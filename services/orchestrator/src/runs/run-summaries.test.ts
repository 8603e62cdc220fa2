import { firstState } from '@trikd/core/run/state';
import { createRun, loadRun, type SavedRun, saveRun } from '@trikd/core/run/stored/run-store';
import { changeTags } from '@trikd/core/run/stored/tags';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { createRunSummaries } from './run-summaries.js';

async function summaries() {
  const store = memoryStore();
  const read: string[] = [];
  const get = (key: string) => {
    read.push(key);
    return store.get(key);
  };
  const find = (runId: string) => loadRun(store, runId);
  const reader = createRunSummaries({ store: { ...store, get }, find, isDriven: () => false });
  return { store, reader, read: () => read.splice(0) };
}

const paused = (run: SavedRun) => ({ state: { ...firstState, phase: 'paused' as const }, term: run.term });

test('of a run at rest only the state is read again', async () => {
  const { store, reader, read } = await summaries();
  const run = await createRun(store, specFor('bare', {}));
  await saveRun(store, run, paused(run));
  expect(await reader.read('trial', false)).toMatchObject({ phase: 'paused', percent: 0, tags: [] });
  read();
  expect(await reader.read('trial', false)).toMatchObject({ phase: 'paused' });
  expect(read()).toEqual(['runs/trial/state.json']);
});

test('a summary has what was written since', async () => {
  const { store, reader } = await summaries();
  const run = await createRun(store, specFor('bare', {}));
  const saved = await saveRun(store, run, paused(run));
  await reader.read('trial', false);
  await saveRun(store, saved, { state: { ...firstState, phase: 'cancelled' }, term: 0 });
  await changeTags(store, 'trial', { add: ['a'], remove: [] });
  expect(await reader.read('trial', true)).toMatchObject({ phase: 'cancelled', tags: ['a'] });
});
