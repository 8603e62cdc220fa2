import { describe, expect, test } from 'vitest';
import { RunSpec } from '../spec.js';
import { memoryStore } from './memory-store.js';
import { createRun, loadRun, saveRun, specKey, stateKey } from './run-store.js';

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };
const spec = (change: object = {}) =>
  RunSpec.parse({ name: 'trial', data: { kind: 'synthetic' }, epochs: 2, student: role, teacher: role, ...change });

describe('createRun', () => {
  test('lets one of many creators own the first attempt', async () => {
    const store = memoryStore();
    const runs = await Promise.all(Array.from({ length: 5 }, () => createRun(store, spec())));
    expect(runs.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(runs.map(({ state }) => JSON.stringify(state))).size).toBe(1);
  });

  test('refuses another spec under the same name and names every field that differs', async () => {
    const store = memoryStore();
    await createRun(store, spec());
    const other = spec({ epochs: 3, student: { ...role, learningRate: 0.1 } });
    await expect(createRun(store, other)).rejects.toMatchObject({
      kind: 'invalid',
      message:
        'run trial exists with another spec: epochs: stored 2, asked 3; student.learningRate: stored 0.05, asked 0.1',
    });
  });

  test('completes what a creator left that died between its two writes', async () => {
    const store = memoryStore();
    await createRun(store, spec());
    await store.remove(stateKey('trial'));
    expect(await createRun(store, spec())).toMatchObject({ created: true, state: { phase: 'preparing', attempt: 1 } });
  });
});

describe('loadRun', () => {
  test('says that there is no run', async () => {
    await expect(loadRun(memoryStore(), 'absent')).rejects.toMatchObject({ kind: 'not-found' });
  });

  test.each(['{"version":1,"state":{"phase":"dreaming"}}', '{"version":2,"state":{}}', '{"vers'])(
    'refuses a state file that reads %s',
    async (text) => {
      const store = memoryStore();
      await createRun(store, spec());
      await store.put(stateKey('trial'), Buffer.from(text));
      await expect(loadRun(store, 'trial')).rejects.toMatchObject({ kind: 'corrupt' });
    },
  );

  test('refuses a spec file of another shape', async () => {
    const store = memoryStore();
    await createRun(store, spec());
    await store.put(specKey('trial'), Buffer.from('{"name":"trial"}'));
    await expect(loadRun(store, 'trial')).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

describe('saveRun', () => {
  test('refuses the slower of two orchestrators', async () => {
    const store = memoryStore();
    const run = await createRun(store, spec());
    const mine = { ...run.state, attempt: 2 };
    const saved = await saveRun(store, run, mine);
    await expect(saveRun(store, run, { ...run.state, attempt: 3 })).rejects.toMatchObject({ kind: 'out-of-step' });
    expect((await loadRun(store, 'trial')).state).toEqual(mine);
    expect((await saveRun(store, saved, { ...mine, attempt: 3 })).state.attempt).toBe(3);
  });
});
