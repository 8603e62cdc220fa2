import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { encodeManifest, MANIFEST_VERSION, manifestKey, type PairManifest } from '../../checkpoint/manifest.js';
import type { ObjectStore } from '../../domain/object-store.js';
import { answerPageKey } from '../../remote/kept-answers.js';
import { type Completed, firstState, type PairRef, type Preparing, type StageResult } from '../state.js';
import { pointerKey, promote } from './anchor-pointer.js';
import { collectDropped, collectLeftovers, deleteRun } from './collector.js';
import { createRun, saveRun, stateKey } from './run-store.js';

const DIGEST = 'a'.repeat(64);

/** Puts a blob into the folder of an attempt. */
async function blob(store: ObjectStore, attempt: string, name: string) {
  const key = `runs/r/blobs/${attempt}/${name}`;
  await store.put(key, Buffer.from('x'));
  return { key, sha256: DIGEST, bytes: 1 };
}

interface PairOptions {
  readonly stage?: number;
  readonly attempt?: number;
  /** Key of a blob that an earlier pair has named as its best student. */
  readonly best?: { readonly key: string; readonly sha256: string; readonly bytes: number };
}

/** Puts a pair: two states, the best student, and the manifest. */
async function pair(store: ObjectStore, step: number, options: PairOptions = {}): Promise<PairRef> {
  const { stage = 0, attempt = 1 } = options;
  const folder = `${stage}.${attempt}`;
  const best = options.best ?? (await blob(store, folder, `best-${step}`));
  const score = { metrics: { accuracy: 0.5, nll: 1 }, examples: 10 };
  const manifest: PairManifest = {
    version: MANIFEST_VERSION,
    runId: 'r',
    stage,
    attempt,
    step,
    specDigest: DIGEST,
    datasetDigest: DIGEST,
    frozen: {},
    learners: {
      teacher: { state: await blob(store, folder, `teacher-${step}`) },
      student: { state: await blob(store, folder, `student-${step}`), best: { step, validation: score, params: best } },
    },
    writer: 'test',
  };
  const key = manifestKey(manifest);
  await store.put(key, encodeManifest(manifest));
  return { step, manifestKey: key };
}

/** The result of a stage whose best models are two blobs of its first attempt. */
function resultOf(stage: number, last: PairRef, student: string, teacher: string): StageResult {
  const learner = (name: string) => ({
    best: {
      step: last.step,
      validation: { metrics: { accuracy: 0.5, nll: 1 }, examples: 10 },
      params: { key: `runs/r/blobs/${stage}.1/${name}`, sha256: DIGEST, bytes: 1 },
    },
    stateSha256: DIGEST,
  });
  return {
    stage,
    steps: last.step,
    learners: { student: learner(student), teacher: learner(teacher) },
    candidate: 'student',
    pair: last,
    promoted: false,
  };
}

const stateOf = (change: Partial<Preparing>): Preparing => ({ ...firstState, phase: 'preparing', ...change });

test('a checkpoint that the state no longer names is removed, except for blobs that another checkpoint names', async () => {
  const store = memoryStore();
  const one = await pair(store, 1);
  const best = { key: 'runs/r/blobs/0.1/best-1', sha256: DIGEST, bytes: 1 };
  const two = await pair(store, 2, { best });
  const removed = await collectDropped(store, 'r', stateOf({ pairs: [one, two] }), stateOf({ pairs: [two] }));
  expect(removed).toEqual([one.manifestKey, 'runs/r/blobs/0.1/student-1', 'runs/r/blobs/0.1/teacher-1']);
  expect(await store.list('runs/r/blobs/')).toEqual([
    'runs/r/blobs/0.1/best-1',
    'runs/r/blobs/0.1/student-2',
    'runs/r/blobs/0.1/teacher-2',
  ]);
});

test('the student that the pointer names stays, although the state no longer names it', async () => {
  const store = memoryStore();
  const [one, two] = [await pair(store, 1), await pair(store, 2)];
  await promote(store, 'r', { stage: 0, params: { key: 'runs/r/blobs/0.1/best-2', sha256: DIGEST, bytes: 1 } }, 1);
  const state = stateOf({ pairs: [one], attempt: 2 });
  expect(await collectDropped(store, 'r', stateOf({ pairs: [one, two] }), state)).not.toContain(
    'runs/r/blobs/0.1/best-2',
  );
  expect(await collectLeftovers(store, 'r', state)).toEqual([]);
  await store.put(pointerKey('r'), Buffer.from('{'));
  expect(await collectLeftovers(store, 'r', state)).toEqual([]);
});

test('removing a checkpoint reads the manifests of its stage only, however many earlier ones there are', async () => {
  const store = memoryStore();
  const results = await Promise.all(
    [0, 1, 2].map(async (stage) => resultOf(stage, await pair(store, 9, { stage }), 'best-9', 'teacher-9')),
  );
  const [one, two] = [await pair(store, 1, { stage: 3 }), await pair(store, 2, { stage: 3 })];
  const read: string[] = [];
  const get: ObjectStore['get'] = (key) => {
    read.push(key);
    return store.get(key);
  };
  const [before, after] = [[one, two], [two]].map((pairs) => stateOf({ stage: 3, results, pairs }));
  await collectDropped({ ...store, get }, 'r', before!, after!);
  expect(read.filter((key) => key.includes('/manifests/')).sort()).toEqual([one.manifestKey, two.manifestKey]);
});

test('nothing is removed while a kept manifest cannot be read', async () => {
  const store = memoryStore();
  const [one, two] = [await pair(store, 1), await pair(store, 2)];
  await store.put(two.manifestKey, Buffer.from('{'));
  expect(await collectDropped(store, 'r', stateOf({ pairs: [one, two] }), stateOf({ pairs: [two] }))).toEqual([]);
});

test('the remains of earlier attempts are removed, and nothing of the current attempt', async () => {
  const store = memoryStore();
  const kept = await pair(store, 1);
  const orphan = await pair(store, 2);
  await blob(store, '0.1', 'without-a-manifest');
  await blob(store, '0.2', 'on-its-way');
  await store.put('runs/r/state.json', Buffer.from('{}'));
  const removed = await collectLeftovers(store, 'r', stateOf({ attempt: 2, pairs: [kept] }));
  expect(removed).toEqual([
    orphan.manifestKey,
    'runs/r/blobs/0.1/best-2',
    'runs/r/blobs/0.1/student-2',
    'runs/r/blobs/0.1/teacher-2',
    'runs/r/blobs/0.1/without-a-manifest',
  ]);
  expect(await store.list('runs/r/blobs/0.2/')).toHaveLength(1);
});

test('the last checkpoint and the best models of an ended stage are kept', async () => {
  const store = memoryStore();
  const [first, last] = [await pair(store, 1), await pair(store, 2)];
  await blob(store, '0.1', 'teacher-best');
  const result = resultOf(0, last, 'best-2', 'teacher-best');
  const end: Completed = { phase: 'completed', stage: 0, attempt: 1, results: [result], moves: [] };
  await collectDropped(store, 'r', stateOf({ pairs: [first] }), end);
  await collectLeftovers(store, 'r', end);
  expect(await store.list('runs/r/')).toEqual([
    'runs/r/blobs/0.1/best-2',
    'runs/r/blobs/0.1/student-2',
    'runs/r/blobs/0.1/teacher-2',
    'runs/r/blobs/0.1/teacher-best',
    last.manifestKey,
  ]);
});

test('the answers of remote models to earlier stages are removed, those of the current one when the run has completed', async () => {
  const store = memoryStore();
  const keys = [0, 1].map((stage) => answerPageKey('r', stage, 'teacher', 8));
  for (const key of keys) await store.put(key, Buffer.from('x'));
  const { phase: _, ...first } = firstState;
  const state: Preparing = { ...first, phase: 'preparing', stage: 1 };
  expect(await collectLeftovers(store, 'r', state)).toEqual([keys[0]]);
  const completed: Completed = { phase: 'completed', stage: 1, attempt: 1, results: [], moves: [] };
  expect(await collectLeftovers(store, 'r', completed)).toEqual([keys[1]]);
});

const specOf = (name: string, epochs = 2) => specFor('bare', { name, epochs });

async function cancelled(store: ObjectStore, name: string): Promise<void> {
  const run = await createRun(store, specOf(name));
  await saveRun(store, run, { state: { ...firstState, phase: 'cancelled' }, term: 2 });
  await store.put(`runs/${name}/blobs/0.1/b.safetensors`, Buffer.from('b'));
  await store.put(`events/${name}/1.jsonl`, Buffer.from('{}'));
  const params = { key: `runs/${name}/blobs/0.1/b.safetensors`, sha256: 'a'.repeat(64), bytes: 1 };
  await promote(store, name, { stage: 0, params }, 1);
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
