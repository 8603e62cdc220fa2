import { loadRun } from '@trikd/core/run/stored/run-store';
import { openFolderStore } from '@trikd/store/folder-store';
import { hears, type WrittenSpec } from '@trikd/testing/specs/presets';
import { unary } from '@trikd/transport/grpc/clients';
import { expect, test } from 'vitest';
import { clusteredRuns, ended } from './clustered-runs.js';
import { contentOf, reference } from './outcome.js';

type EngineSpec = NonNullable<WrittenSpec['engine']>;

/** Nets whose sums are split by the number of threads, one of them with dropout; 2 stages of 24 steps. */
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
  const { path, client, create, until } = await clusteredRuns();
  const deadline = { what: 'the orchestrator', deadlineSeconds: 60 };

  for (const spec of earlier) {
    await create(spec);
    await until(spec, ended);
  }
  await create(later);
  await until(later, ({ event }) => event?.$case === 'progress' && event.value.stage === 1);
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
    results.set(spec.name, state.results[0]?.learners['student']?.stateSha256);
  }
  // The test proves something only if threads and precision change the result.
  expect(new Set(results.values()).size).toBe(3);
});
