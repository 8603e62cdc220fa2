import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import type { ObjectStore } from '../domain/object-store.js';
import { promote } from './anchor-pointer.js';
import { deleteRun } from './delete-run.js';
import { createRun, saveRun, stateKey } from './run-store.js';
import { firstState } from './state.js';

const specOf = (name: string, epochs = 2) => specFor('bare', { name, epochs });

async function cancelled(store: ObjectStore, name: string): Promise<void> {
  const run = await createRun(store, specOf(name));
  await saveRun(store, run, { state: { ...firstState, phase: 'cancelled' }, term: 2 });
  await store.put(`runs/${name}/blobs/0.1/b.safetensors`, Buffer.from('b'));
  await store.put(`events/${name}/1.jsonl`, Buffer.from('{}'));
  const params = { key: `runs/${name}/blobs/0.1/b.safetensors`, sha256: 'a'.repeat(64), bytes: 1 };
  await promote(store, name, { generation: 0, params }, 1);
}

test('a run that has ended is removed with everything it stored, and nothing of another run', async () => {
  const store = memoryStore();
  await cancelled(store, 'trial');
  await cancelled(store, 'trial-2');
  const others = (await store.list('')).filter((key) => key.includes('/trial-2/'));
  await deleteRun(store, 'trial', 2);
  expect(await store.list('')).toEqual(others);
  await expect(deleteRun(store, 'trial', 2)).rejects.toMatchObject({ kind: 'not-found' });
});

test('a run that has not ended, or that another orchestrator drives, stays', async () => {
  const store = memoryStore();
  await createRun(store, specOf('young'));
  await expect(deleteRun(store, 'young', 2)).rejects.toMatchObject({
    kind: 'wrong-state',
    message: 'the run cannot be deleted: it waits for a trio to train generation 0; it can be paused or cancelled',
  });
  await cancelled(store, 'trial');
  await expect(deleteRun(store, 'trial', 1)).rejects.toMatchObject({ kind: 'out-of-step' });
  expect(await store.get(stateKey('trial'))).toBeDefined();
});

test('an interrupted removal can be repeated, and no run is created over the remains', async () => {
  for (let lifetime = 0; lifetime < 5; lifetime += 1) {
    const store = memoryStore();
    await cancelled(store, 'trial');
    let left = lifetime;
    const mortal: ObjectStore = {
      ...store,
      remove: async (key) => {
        if (left === 0) throw new Error('killed');
        left -= 1;
        await store.remove(key);
      },
    };
    await expect(deleteRun(mortal, 'trial', 2)).rejects.toThrow('killed');
    await expect(createRun(store, specOf('trial', 3))).rejects.toMatchObject({ kind: 'invalid' });
    await deleteRun(store, 'trial', 2);
    expect(await store.list('')).toEqual([]);
  }
});
