import { join } from 'node:path';
import { loadRun } from '@trikd/core/run/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import {
  type PhaseChanged,
  type Run,
  RunServiceClient,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { openFolderStore } from '@trikd/store/folder-store';
import { startCluster } from '@trikd/testing/processes/cluster';
import { hears, type WrittenSpec } from '@trikd/testing/specs/presets';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { expect, onTestFinished, test } from 'vitest';
import { contentOf, reference } from './outcome.js';
import { scratch } from './trikd.js';

type EngineSpec = NonNullable<WrittenSpec['engine']>;

/** Nets whose sums are split by the number of threads, one of them with dropout; 2 generations of 24 steps. */
const specOf = (name: string, engine: EngineSpec): WrittenSpec => ({
  name,
  data: { kind: 'synthetic', height: 16, width: 16, channels: 3, noise: 24 },
  batchSize: 32,
  epochs: 3,
  warmupSteps: 4,
  student: { model: { kind: 'plain-cnn', channels: [16, 16], hidden: [32], dropout: 0.25 }, objective: hears(1, 1) },
  teacher: { model: { kind: 'resnet', depth: 8, width: 16 }, objective: hears(0.1, 0.1) },
  curriculum: { generations: 2 },
  engine,
});

const earlier = [
  specOf('earlier-bfloat16', { threads: 1, precision: 'bfloat16' }),
  specOf('earlier-one-thread', { threads: 1 }),
];
const later = specOf('later', { threads: 2 });

test('services that trained two runs with other threads and another precision train the next run, and resume it, to the same bits', async () => {
  const folder = scratch();
  const path = join(folder, 'store');
  const cluster = await startCluster({ folder, store: { kind: 'folder', path }, orchestrators: 1 });
  onTestFinished(() => cluster.stop());
  const client = openClient(RunServiceClient, cluster.orchestrators[0]!.address);
  onTestFinished(() => client.close());
  const deadline = { what: 'the orchestrator', deadlineSeconds: 60 };
  const create = (spec: WrittenSpec) => {
    const request = { spec: JSON.stringify(RunSpec.parse(spec)), requestId: spec.name, takeOver: true };
    return unary(client.createRun.bind(client), request, deadline);
  };
  /** Watches a run up to the first matching message. */
  const until = async (spec: WrittenSpec, fits: (message: WatchRunResponse) => boolean) => {
    const call = client.watchRun({ runId: spec.name, fromEvent: 0, pastOnly: false });
    call.on('error', () => undefined);
    for await (const message of call) if (fits(message)) break;
    call.cancel();
  };
  const isRun =
    (fits: (run: Run | PhaseChanged) => boolean) =>
    ({ event }: WatchRunResponse) =>
      (event?.$case === 'run' || event?.$case === 'phaseChanged') && fits(event.value);
  const ended = isRun(({ endTime }) => endTime !== undefined);

  for (const spec of earlier) {
    await create(spec);
    await until(spec, ended);
  }
  await create(later);
  await until(later, ({ event }) => event?.$case === 'progress' && event.value.generation === 1);
  const of = { runId: later.name, requestId: '' };
  await unary(client.pauseRun.bind(client), of, deadline);
  await unary(client.resumeRun.bind(client), of, deadline);
  await until(later, ended);

  const store = await openFolderStore(path);
  const results = new Map<string, unknown>();
  for (const spec of [...earlier, later]) {
    const { state } = await loadRun(store, spec.name);
    expect(state.phase).toBe('completed');
    expect(contentOf(state.results), spec.name).toEqual(await reference(spec));
    results.set(spec.name, state.results[0]?.studentStateSha256);
  }
  // The test proves something only if threads and precision change the result.
  expect(new Set(results.values()).size).toBe(3);
});
