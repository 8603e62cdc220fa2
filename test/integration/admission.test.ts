import { violationsOf } from '@trikd/protocol/violations';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect, test } from 'vitest';
import { cleanUp, serve, specOf, trio } from './orchestrator-rig.js';

afterEach(cleanUp);

test('a run above the limits is refused with every one of them, and nothing of it is stored', async () => {
  const store = memoryStore();
  const { create } = await serve(store, await trio(store));
  const teacher = {
    model: { kind: 'plain-cnn', channels: [4], hidden: [30_000, 30_000] },
    objective: [{ kind: 'task' }],
  };
  const error = await create(specOf({ teacher, engine: { threads: 1024 } })).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ kind: 'invalid' });
  expect(violationsOf(error)).toEqual(
    expect.arrayContaining([
      { field: 'spec.engine.threads', description: '1024 threads, limit admission.threads: 128' },
      {
        field: 'spec.teacher.model',
        description: '30000 channels or units in a layer, limit admission.layerWidth: 8192',
      },
      { field: 'spec.teacher.model', description: expect.stringMatching(/^\d+ params, limit admission\.params: \d+$/) },
    ]),
  );
  expect(await store.list('runs/')).toEqual([]);
});

test('a run within the limits is created', async () => {
  const store = memoryStore();
  const { create } = await serve(store, await trio(store));
  expect(await create(specOf())).toMatchObject({ runId: 'trial' });
});
