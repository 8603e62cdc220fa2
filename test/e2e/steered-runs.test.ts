import { loadRun } from '@trikd/core/run/stored/run-store';
import { RunPhase, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openFolderStore } from '@trikd/store/folder-store';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { unary } from '@trikd/transport/grpc/clients';
import { expect, test } from 'vitest';
import { clusteredRuns, ended, stands } from './clustered-runs.js';
import { contentOf, reference } from './outcome.js';

const tiny = writtenSpec('two stages');

const manual: WrittenSpec = { ...tiny, name: 'manual', epochs: 12, curriculum: { generations: 2, advance: 'manual' } };
const between: WrittenSpec = { ...tiny, name: 'between', seed: 7, curriculum: { generations: 1 } };
const what = 'the orchestrator';

test('a run that waits, is paused and makes room for another one ends with the bits of an undisturbed one', async () => {
  const { path, client, create, until } = await clusteredRuns();
  const of = (spec: WrittenSpec) => ({ runId: spec.name, requestId: '' });

  await create(manual);
  await until(
    manual,
    stands(({ phase }) => phase === RunPhase.RUN_PHASE_WAITING),
  );
  await unary(client.triggerGeneration.bind(client), of(manual), { what });
  const learns = (message: WatchRunResponse) => message.event?.$case === 'progress' && message.event.value.stage === 1;
  await until(manual, learns);
  const { run } = await unary(client.pauseRun.bind(client), of(manual), { what, deadlineSeconds: 30 });
  expect(run).toMatchObject({ phase: RunPhase.RUN_PHASE_PAUSED, stage: 1 });
  await create(between);
  await until(between, ended);
  await unary(client.resumeRun.bind(client), of(manual), { what });
  await until(manual, ended);

  const store = await openFolderStore(path);
  for (const spec of [manual, between]) {
    const { state } = await loadRun(store, spec.name);
    expect(state.phase).toBe('completed');
    expect(contentOf(state.results)).toEqual(await reference(spec));
  }
});
