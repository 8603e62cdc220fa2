import { encodeManifest, MANIFEST_VERSION, manifestKey, type PairManifest } from '@trikd/core/checkpoint/manifest';
import { firstState, type RunState } from '@trikd/core/run/state';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { listCheckpoints, MOST_CHECKPOINTS } from './list-checkpoints.js';

const DIGEST = 'a'.repeat(64);

function manifestAt(step: number): PairManifest {
  return {
    ...{ version: MANIFEST_VERSION, runId: 'reef', generation: 0, attempt: 1, step, writer: 'test' },
    ...{ specDigest: DIGEST, datasetDigest: DIGEST, frozen: {} },
    learners: { student: { state: { key: 'runs/reef/blobs/0.1/a', sha256: DIGEST, bytes: 1 } } },
  };
}

/** A store with the manifests of steps, and a run whose state names them. */
async function runWith(steps: readonly number[]) {
  const store = memoryStore();
  const manifests = steps.map(manifestAt);
  for (const manifest of manifests) await store.put(manifestKey(manifest), encodeManifest(manifest));
  const pairs = manifests.map((manifest) => ({ step: manifest.step, manifestKey: manifestKey(manifest) }));
  const state: RunState = { ...firstState, pairs };
  return { store, state };
}

test('checkpoints are listed newest first, and one that is damaged or gone says so', async () => {
  const { store, state } = await runWith([5, 10, 15]);
  await store.remove(manifestKey(manifestAt(10)));
  const { checkpoints, omitted } = await listCheckpoints(store, state);
  expect(checkpoints.map(({ manifest, problem }) => manifest?.step ?? problem)).toEqual([
    15,
    expect.stringContaining('is gone'),
    5,
  ]);
  expect(omitted).toBe(0);
});

test('a list has so many at most, and counts the others', async () => {
  const { store, state } = await runWith(Array.from({ length: MOST_CHECKPOINTS + 3 }, (_, at) => at));
  const { checkpoints, omitted } = await listCheckpoints(store, state);
  expect([checkpoints.length, checkpoints.at(-1)?.manifest?.step, omitted]).toEqual([MOST_CHECKPOINTS, 3, 3]);
});

test('a store that does not answer is an error, not a list without checkpoints', async () => {
  const { state } = await runWith([5]);
  const away = memoryStore({ failOn: () => true });
  await expect(listCheckpoints(away, state)).rejects.toMatchObject({ kind: 'unavailable' });
});
