import { randomUUID } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { candidateOf, firstState, type StageResult, type Waiting } from '@trikd/core/run/state';
import { pointAsStated, readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { createRun, loadRun, saveRun } from '@trikd/core/run/stored/run-store';
import type { Steering } from '@trikd/core/run/verbs';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRunIndex } from '../leadership/run-index.js';
import { createRunLog, createRunRecords } from './run-log.js';
import { createCounters } from './run-services.js';
import { type SteeringLeader, type SteeringRequest, steerRun } from './steering.js';

const spec = specFor('bare');
const sha256 = 'a'.repeat(64);
const resultOf = (stage: number, promoted: boolean): StageResult => {
  const validation = { metrics: { accuracy: 0.8, nll: 0.5 }, examples: 400 };
  const best = { step: 2, validation, params: { key: `blobs/${stage}`, sha256, bytes: 8 } };
  const learner = { best, stateSha256: sha256 };
  const learners = { student: learner, teacher: learner };
  const pair = { step: 2, manifestKey: `m-${stage}` };
  return { stage, steps: 2, learners, candidate: 'student', promoted, pair };
};
const waiting: Waiting = {
  ...firstState,
  phase: 'waiting',
  stage: 2,
  results: [resultOf(0, true), resultOf(1, false)],
  moves: [{ by: 'rule', to: 0, during: 0 }],
  facts: { datasetDigest: sha256, classes: 4, totalSteps: 4, stepsPerEpoch: 1 },
  anchor: { stage: 0, params: candidateOf(resultOf(0, true))!.params },
};

async function waitingRun(): Promise<ObjectStore> {
  const store = memoryStore();
  await saveRun(store, await createRun(store, spec), { state: waiting, term: 1 });
  await pointAsStated(store, 'trial', waiting, 1);
  return store;
}

/** What `steerRun` needs besides the request, with a leader of term 1 that drives no run. */
function steeringOf(store: ObjectStore, leader: Partial<SteeringLeader> = {}) {
  const streams = { emit: () => undefined, end: () => undefined, close: async () => undefined };
  const broadcast = { ...streams, over: () => false, newest: () => 0, follow: async function* () {} };
  const none = async () => undefined;
  const broadcasts = { get: () => undefined, open: async () => broadcast, end: none, endAll: none };
  const log = createRunLog({ info: () => undefined });
  const records = createRunRecords(
    log,
    () => new Date('2026-01-02T03:04:05.000Z'),
    createRunIndex(() => undefined),
  );
  const services = { broadcasts, log, records, counters: createCounters(() => () => undefined) };
  const leading: SteeringLeader = { pause: none, term: () => 1, inQueue: (run) => run, ...leader };
  return (request: SteeringRequest) =>
    steerRun({ store, retries: 2, keepPairs: 2, nonce: randomUUID }, services, leading, 1, request);
}

const anySteering = fc.oneof(
  fc.constantFrom<Steering>({ kind: 'triggered' }, { kind: 'paused' }, { kind: 'resumed' }),
  fc.constantFrom<Steering>({ kind: 'promoted', to: 1 }, { kind: 'rolled-back', to: 0 }),
);

test('a repeated request is done once, whatever was requested in between', async () => {
  const request = fc.record({ steering: anySteering, id: fc.constantFrom('a', 'b', 'c', 'd') });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
      const [store, once] = [await waitingRun(), await waitingRun()];
      const done = new Set<string>();
      for (const { steering, id } of requests) {
        const ask = (asked: ObjectStore) =>
          steeringOf(asked)({ runId: 'trial', steering, requestId: id }).then(
            () => true,
            (error: unknown) => {
              expect(error).toBeInstanceOf(TrikdError);
              return false;
            },
          );
        const did = await ask(store);
        // What was refused may be requested again; what was done may not be done again.
        if (!done.has(id)) expect(await ask(once)).toBe(did);
        if (did) done.add(id);
        expect((await loadRun(store, 'trial')).state).toEqual((await loadRun(once, 'trial')).state);
        expect((await readPointer(store, 'trial'))?.stage).toEqual((await readPointer(once, 'trial'))?.stage);
      }
    }),
  );
});

test('a request is checked again when the run has ended meanwhile', async () => {
  const store = await waitingRun();
  let pauses = 0;
  const pause = async () => {
    pauses += 1;
    const run = await loadRun(store, 'trial');
    if (pauses === 1) await saveRun(store, run, { state: { ...waiting, phase: 'cancelled' }, term: 1 });
  };
  const request = { runId: 'trial', steering: { kind: 'triggered' } as const, requestId: undefined };
  await expect(steeringOf(store, { pause })(request)).rejects.toMatchObject({
    kind: 'wrong-state',
    message: expect.stringContaining('it was cancelled in stage 2'),
    details: { run: 'trial', phase: 'cancelled' },
  });
});

test('a write that lost a race is repeated while this process leads, and not afterwards', async () => {
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
  const request = { runId: 'trial', steering: { kind: 'triggered' } as const, requestId: 'once' };
  expect((await steeringOf(overtaken)(request)).state.phase).toBe('queued');
  faster = 3;
  const lost = steeringOf(overtaken, { term: () => undefined });
  const again = { ...request, steering: { kind: 'paused' } as const, requestId: 'twice' };
  await expect(lost(again)).rejects.toMatchObject({ kind: 'out-of-step' });
});
