import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { pointAsStated, readPointer } from '@trikd/core/run/anchor-pointer';
import { createRun, loadRun, saveRun } from '@trikd/core/run/run-store';
import { firstState, type GenerationResult, type Waiting } from '@trikd/core/run/state';
import type { Steering } from '@trikd/core/run/steering';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SteeringPorts, steerRun } from './steering.js';

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };
const spec = RunSpec.parse({ name: 'trial', data: { kind: 'synthetic' }, epochs: 2, student: role, teacher: role });
const sha256 = 'a'.repeat(64);
const resultOf = (generation: number, promoted: boolean): GenerationResult => {
  const validation = { accuracy: 0.8, nll: 0.5, examples: 400 };
  const best = { step: 2, validation, params: { key: `blobs/${generation}`, sha256, bytes: 8 } };
  const digests = { studentStateSha256: sha256, teacherStateSha256: sha256 };
  const pair = { step: 2, manifestKey: `m-${generation}` };
  return { generation, steps: 2, student: best, teacher: best, promoted, pair, ...digests };
};
const waiting: Waiting = {
  ...firstState,
  phase: 'waiting',
  generation: 2,
  results: [resultOf(0, true), resultOf(1, false)],
  moves: [{ by: 'rule', to: 0, during: 0 }],
  facts: { datasetDigest: sha256, classes: 4, totalSteps: 4, stepsPerEpoch: 1 },
  anchor: { generation: 0, params: resultOf(0, true).student.params },
};

async function waitingRun(): Promise<ObjectStore> {
  const store = memoryStore();
  await saveRun(store, await createRun(store, spec), { state: waiting, term: 1 });
  await pointAsStated(store, 'trial', waiting, 1);
  return store;
}

/** A leader that drives nothing; `rest` is what brings a run to rest. */
function portsOver(store: ObjectStore, rest: SteeringPorts['rest'] = async () => undefined): SteeringPorts {
  const told = { tell: () => undefined, end: () => undefined, close: async () => undefined };
  const story = { ...told, over: () => false, newest: () => 0, follow: async function* () {} };
  const none = async () => undefined;
  const stories = { get: () => undefined, open: async () => story, end: none, endAll: none };
  const now = () => '2026-01-02T03:04:05.000Z';
  const placed: SteeringPorts['placed'] = (run) => run;
  return { store, stories, rest, now, placed, count: () => undefined, term: () => 1, retries: 2, keepPairs: 2 };
}

const anyWish = fc.oneof(
  fc.constantFrom<Steering>({ kind: 'triggered' }, { kind: 'paused' }, { kind: 'resumed' }),
  fc.constantFrom<Steering>({ kind: 'promoted', to: 1 }, { kind: 'rolled-back', to: 0 }),
);

test('a request that is sent again does nothing again, whatever was asked in between', async () => {
  const request = fc.record({ wish: anyWish, id: fc.constantFrom('a', 'b', 'c', 'd') });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
      const [store, once] = [await waitingRun(), await waitingRun()];
      const done = new Set<string>();
      for (const { wish, id } of requests) {
        const ask = (asked: ObjectStore) =>
          steerRun(portsOver(asked), 1, { runId: 'trial', steering: wish, requestId: id }).then(
            () => true,
            (error: unknown) => {
              expect(error).toBeInstanceOf(TrikdError);
              return false;
            },
          );
        const did = await ask(store);
        // What was refused may be asked again; what was done may not be done again.
        if (!done.has(id)) expect(await ask(once)).toBe(did);
        if (did) done.add(id);
        expect((await loadRun(store, 'trial')).state).toEqual((await loadRun(once, 'trial')).state);
        expect((await readPointer(store, 'trial'))?.generation).toEqual((await readPointer(once, 'trial'))?.generation);
      }
    }),
  );
});

test('who is overtaken by the end of a run judges again what he is asked', async () => {
  const store = await waitingRun();
  let rests = 0;
  const rest = async () => {
    rests += 1;
    const run = await loadRun(store, 'trial');
    if (rests === 1) await saveRun(store, run, { state: { ...waiting, phase: 'cancelled' }, term: 1 });
  };
  const wish = { runId: 'trial', steering: { kind: 'triggered' } as const, requestId: undefined };
  await expect(steerRun(portsOver(store, rest), 1, wish)).rejects.toMatchObject({
    kind: 'wrong-state',
    message: expect.stringContaining('it was cancelled in generation 2'),
    details: { run: 'trial', phase: 'cancelled' },
  });
});

test('a write that another one was faster with is tried again while this process leads, and not when it leads no more', async () => {
  const store = await waitingRun();
  let faster = 3;
  const overtaken: ObjectStore = {
    ...store,
    replace: async (key, bytes, version) => {
      faster -= 1;
      if (faster > 0) await saveRun(store, await loadRun(store, 'trial'), { term: 1 });
      return store.replace(key, bytes, version);
    },
  };
  const wish = { runId: 'trial', steering: { kind: 'triggered' } as const, requestId: 'once' };
  expect((await steerRun(portsOver(overtaken), 1, wish)).state.phase).toBe('preparing');
  faster = 3;
  const lost = { ...portsOver(overtaken), term: () => undefined };
  const again = { ...wish, steering: { kind: 'paused' } as const, requestId: 'twice' };
  await expect(steerRun(lost, 1, again)).rejects.toMatchObject({ kind: 'out-of-step' });
});
