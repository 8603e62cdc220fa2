import { encodeManifest, MANIFEST_VERSION, manifestKey, type PairManifest } from '@trikd/core/checkpoint/manifest';
import { firstState, type RunState } from '@trikd/core/run/state';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { listCheckpoints, MOST_CHECKPOINTS, readAhead } from './list-runs.js';

const DIGEST = 'a'.repeat(64);

function manifestAt(step: number): PairManifest {
  return {
    ...{ version: MANIFEST_VERSION, runId: 'reef', stage: 0, attempt: 1, step, writer: 'test' },
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

test('reads come in order, however long each takes, and at most some at once', async () => {
  const open = new Map<number, () => void>();
  let most = 0;
  const read = (name: number) =>
    new Promise<number>((resolve) => {
      open.set(name, () => {
        open.delete(name);
        resolve(10 * name);
      });
      most = Math.max(most, open.size);
      // The newest is over first.
      if (open.size === 3 || name === 5) for (const each of [...open.keys()].reverse()) open.get(each)?.();
    });
  const values: number[] = [];
  for await (const each of readAhead([0, 1, 2, 3, 4, 5], read, 3)) values.push(each());
  expect(values).toEqual([0, 10, 20, 30, 40, 50]);
  expect(most).toBe(3);
});

test('a read that fails does not end the others', async () => {
  const read = async (name: string) => {
    if (name === 'bad') throw new Error('damaged');
    return name;
  };
  const outcomes: string[] = [];
  for await (const each of readAhead(['a', 'bad', 'b'], read, 2)) {
    try {
      outcomes.push(each());
    } catch (error) {
      outcomes.push(String(error));
    }
  }
  expect(outcomes).toEqual(['a', 'Error: damaged', 'b']);
});
