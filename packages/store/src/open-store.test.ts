import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { manifestKey } from '@trikd/core/checkpoint/manifest';
import { pointerKey } from '@trikd/core/run/stored/anchor-pointer';
import { LEASE_KEY } from '@trikd/core/run/stored/lease';
import { createRun, specKey, stateKey } from '@trikd/core/run/stored/run-store';
import { FAULT_POINT_CHANNEL, type FaultPointEvent } from '@trikd/process/fault-points';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, onTestFinished, test } from 'vitest';
import { describeStoreContract } from '../../testing/src/stores/store.contract.js';
import { observedStore } from './open-store.js';

describeStoreContract('an observed store', async () => [observedStore(memoryStore())]);

/** The fault points reached from here to the end of the test. */
function listen(): readonly FaultPointEvent[] {
  const reached: FaultPointEvent[] = [];
  const listener = (message: unknown) => void reached.push(message as FaultPointEvent);
  subscribe(FAULT_POINT_CHANNEL, listener);
  onTestFinished(() => void unsubscribe(FAULT_POINT_CHANNEL, listener));
  return reached;
}

const bytes = Uint8Array.of(1, 2, 3);
const place = { runId: 'r', stage: 2, attempt: 3 };

test.for([
  ['blob', 'runs/r/blobs/2.3/00ff.safetensors', place],
  ['manifest', manifestKey({ ...place, step: 40 }), { ...place, step: 40 }],
  ['pointer', pointerKey('r'), { runId: 'r' }],
  ['spec', specKey('r'), { runId: 'r' }],
  ['lease', LEASE_KEY, {}],
] as const)('a write of a %s has a fault point before and after, with its place', async ([kind, key, where]) => {
  const reached = listen();
  await observedStore(memoryStore()).create(key, bytes);
  expect(reached).toEqual([
    { point: `${kind}.writing`, key, bytes: 3, ...where },
    { point: `${kind}.written`, key, bytes: 3, ...where, outcome: 'created' },
  ]);
});

test('the write of a state has its phase', async () => {
  const store = memoryStore();
  const spec = specFor('bare', { name: 'r', epochs: 1 });
  const reached = listen();
  await createRun(observedStore(store), spec);
  const written = reached.find(({ point, key }) => point === 'state.written' && key === stateKey('r'));
  expect(written).toMatchObject({ phase: 'queued', stage: 0, attempt: 1, outcome: 'created' });
});

test('a write that fails has started only', async () => {
  const reached = listen();
  const store = observedStore(memoryStore({ failOn: () => true }));
  await expect(store.put('runs/r/blobs/2.3/00ff.safetensors', bytes)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(reached.map(({ point }) => point)).toEqual(['blob.writing']);
});

test('a blob that was read has a fault point, a missing one has none', async () => {
  const store = observedStore(memoryStore());
  await store.put('runs/r/blobs/2.3/00ff.safetensors', bytes);
  const reached = listen();
  await store.get('runs/r/blobs/2.3/00ff.safetensors');
  await store.get('runs/r/blobs/2.3/ff00.safetensors');
  await store.remove('runs/r/blobs/2.3/00ff.safetensors');
  expect(reached.map(({ point }) => point)).toEqual(['blob.read', 'object.removing', 'object.removed']);
});
