import { createLogger } from '@trikd/process/logging';
import { violationsOf } from '@trikd/protocol/status';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { OrchestratorConfig } from '../../services/orchestrator/src/config.js';
import { orchestratorService } from '../../services/orchestrator/src/service.js';
import { cleanUp, folder, serve, specOf, trio } from './orchestrator-rig.js';

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

test.each([
  [
    'a path',
    { folder: '/etc' },
    'spec.data.folder',
    /reads no path that a spec names: set data.name to a dataset, one of mnist/,
  ],
  ['a name that is not registered', { name: 'cifar' }, 'spec.data.name', /has no dataset cifar: name one of mnist/],
])(
  'where datasets are registered, a run on %s is refused before it is stored',
  async (_what, data, field, description) => {
    const store = memoryStore();
    const address = 'unix:/nobody/listens/here';
    const config = OrchestratorConfig.parse({
      ...{ store: { path: 'unused: the store is given' }, events: await folder() },
      ...{ teacher: address, student: address, anchor: address },
      datasets: { mnist: { folder: '/data/mnist' } },
    });
    const { orchestrator, stop } = orchestratorService(
      config,
      store,
      createLogger({ level: 'silent' }, 'orchestrator'),
    );
    onTestFinished(stop);
    const spec = specFor('bare', { data: { kind: 'idx', ...data } });
    await expect(orchestrator.create({ spec })).rejects.toMatchObject({
      ...{ kind: 'invalid', details: { violations: [{ field, description: expect.stringMatching(description) }] } },
    });
    expect(await store.list('runs/')).toEqual([]);
  },
);
