import { join } from 'node:path';
import { loadRun } from '@trikd/core/run/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import {
  type PhaseChanged,
  type Run,
  RunPhase,
  RunServiceClient,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { openFolderStore } from '@trikd/store/folder-store';
import { startCluster } from '@trikd/testing/processes/cluster';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { expect, onTestFinished, test } from 'vitest';
import { contentOf, reference } from './outcome.js';
import { scratch } from './trikd.js';

const tiny = writtenSpec('two generations');

const manual: WrittenSpec = { ...tiny, name: 'manual', epochs: 12, curriculum: { generations: 2, advance: 'manual' } };
const between: WrittenSpec = { ...tiny, name: 'between', seed: 7, curriculum: { generations: 1 } };
const what = 'the orchestrator';

test('a run that waits, is paused and makes room for another one ends with the bits of an undisturbed one', async () => {
  const folder = scratch();
  const path = join(folder, 'store');
  const cluster = await startCluster({ folder, store: { kind: 'folder', path }, orchestrators: 1 });
  onTestFinished(() => cluster.stop());
  const client = openClient(RunServiceClient, cluster.orchestrators[0]!.address);
  onTestFinished(() => client.close());
  const create = async (spec: WrittenSpec) => {
    const request = { spec: JSON.stringify(RunSpec.parse(spec)), requestId: spec.name, takeOver: true };
    await unary(client.createRun.bind(client), request, { what, deadlineSeconds: 60 });
  };
  const of = (spec: WrittenSpec) => ({ runId: spec.name, requestId: '' });
  /** Follows a run up to a message that fits; returns the messages so far. */
  const until = async (spec: WrittenSpec, fits: (message: WatchRunResponse) => boolean) => {
    const call = client.watchRun({ runId: spec.name, fromEvent: 0, pastOnly: false });
    call.on('error', () => undefined);
    for await (const message of call) if (fits(message)) break;
    call.cancel();
  };
  const stands =
    (fits: (run: Run | PhaseChanged) => boolean) =>
    ({ event }: WatchRunResponse) =>
      (event?.$case === 'run' || event?.$case === 'phaseChanged') && fits(event.value);

  await create(manual);
  await until(
    manual,
    stands(({ phase }) => phase === RunPhase.RUN_PHASE_WAITING),
  );
  await unary(client.triggerGeneration.bind(client), of(manual), { what });
  const learns = (message: WatchRunResponse) =>
    message.event?.$case === 'progress' && message.event.value.generation === 1;
  await until(manual, learns);
  const { run } = await unary(client.pauseRun.bind(client), of(manual), { what, deadlineSeconds: 30 });
  expect(run).toMatchObject({ phase: RunPhase.RUN_PHASE_PAUSED, generation: 1 });
  const ended = stands(({ endTime }) => endTime !== undefined);
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
