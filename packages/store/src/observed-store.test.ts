import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { manifestKey } from '@trikd/core/checkpoint/manifest';
import { pointerKey } from '@trikd/core/run/anchor-pointer';
import { LEASE_KEY } from '@trikd/core/run/lease';
import { createRun, specKey, stateKey } from '@trikd/core/run/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { POINT_CHANNEL, type Reached } from '@trikd/process/points';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, onTestFinished, test } from 'vitest';
import { describeStoreContract } from '../../testing/src/stores/store.contract.js';
import { observedStore } from './observed-store.js';

describeStoreContract('an observed store', async () => [observedStore(memoryStore())]);

/** What is told from here on to the end of the test. */
function listen(): readonly Reached[] {
  const heard: Reached[] = [];
  const listener = (message: unknown) => void heard.push(message as Reached);
  subscribe(POINT_CHANNEL, listener);
  onTestFinished(() => void unsubscribe(POINT_CHANNEL, listener));
  return heard;
}

const bytes = Uint8Array.of(1, 2, 3);
const place = { runId: 'r', generation: 2, attempt: 3 };

test.for([
  ['blob', 'runs/r/blobs/2.3/00ff.safetensors', place],
  ['manifest', manifestKey({ ...place, step: 40 }), { ...place, step: 40 }],
  ['pointer', pointerKey('r'), { runId: 'r' }],
  ['spec', specKey('r'), { runId: 'r' }],
  ['lease', LEASE_KEY, {}],
] as const)('a write is told before and after, as that of a %s, with its place', async ([kind, key, where]) => {
  const heard = listen();
  await observedStore(memoryStore()).create(key, bytes);
  expect(heard).toEqual([
    { point: `${kind}.writing`, key, bytes: 3, ...where },
    { point: `${kind}.written`, key, bytes: 3, ...where, outcome: 'created' },
  ]);
});

test('the write of a state tells which phase it brings', async () => {
  const store = memoryStore();
  const model = { kind: 'plain-cnn', channels: [4] };
  const role = { model, objective: [{ kind: 'task' }] };
  const spec = RunSpec.parse({ name: 'r', data: { kind: 'synthetic' }, epochs: 1, student: role, teacher: role });
  const heard = listen();
  await createRun(observedStore(store), spec);
  const written = heard.find(({ point, key }) => point === 'state.written' && key === stateKey('r'));
  expect(written).toMatchObject({ phase: 'preparing', generation: 0, attempt: 1, outcome: 'created' });
});

test('a write that fails is told as one that began', async () => {
  const heard = listen();
  const store = observedStore(memoryStore({ failOn: () => true }));
  await expect(store.put('runs/r/blobs/2.3/00ff.safetensors', bytes)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(heard.map(({ point }) => point)).toEqual(['blob.writing']);
});

test('a blob that was read is told, and one that is not there is not', async () => {
  const store = observedStore(memoryStore());
  await store.put('runs/r/blobs/2.3/00ff.safetensors', bytes);
  const heard = listen();
  await store.get('runs/r/blobs/2.3/00ff.safetensors');
  await store.get('runs/r/blobs/2.3/ff00.safetensors');
  await store.remove('runs/r/blobs/2.3/00ff.safetensors');
  expect(heard.map(({ point }) => point)).toEqual(['blob.read', 'object.removing', 'object.removed']);
});
