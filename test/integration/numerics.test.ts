import { encodeManifest, manifestsNewestFirst, parseManifest } from '@trikd/core/checkpoint/manifest';
import type { Numerics } from '@trikd/core/domain/numerics';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { createLogger } from '@trikd/process/logging';
import { RunPhase, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { INTEL } from '@trikd/testing/runs/numerics';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect, test } from 'vitest';
import type { ToyWorld } from './orchestrator-doubles.js';
import { cleanUp, lastRun, resultOf, serve, specOf, trio, undisturbed } from './orchestrator-rig.js';

afterEach(cleanUp);

const AMD: Numerics = { ...INTEL, processor: 'AuthenticAMD 25 1', kernels: ['avx2'] };
const HOW = 'processor AuthenticAMD 25 1 instead of GenuineIntel 6 143; kernels without avx512f';

type Events = readonly NonNullable<WatchRunResponse['event']>[];

const alarmsIn = (events: Events) =>
  events.flatMap((event) => (event.$case === 'alarm' ? [event.value.alarm?.message] : []));

/** Loses attempt 1 of generation 1 at step 5: the next one resumes from step 4. */
const losesOne: ToyWorld['failureAt'] = (_role, { stage, attempt, step }) =>
  stage === 1 && attempt === 1 && step === 5 ? { kind: 'unavailable', message: 'the peer is gone' } : undefined;

const silent = () => createLogger({ level: 'silent' }, 'orchestrator');

async function served(store: ObjectStore, worlds: readonly ToyWorld[], numerics: 'warn' | 'require') {
  const trios = await Promise.all(worlds.map((world) => trio(store, world)));
  const orchestrator = await serve(store, trios, undefined, silent(), {}, {}, undefined, { numerics });
  return { ...orchestrator, trios };
}

async function numericsByAttempt(store: ObjectStore) {
  const found: Record<string, unknown> = {};
  for await (const each of manifestsNewestFirst(store, 'trial')) {
    if (!('manifest' in each)) continue;
    const { stage, attempt, numerics } = each.manifest;
    found[`${stage}.${attempt}`] = numerics;
  }
  return found;
}

test('each pair records what its models computed with', async () => {
  const store = memoryStore();
  const numericsAt: ToyWorld['numericsAt'] = (role, { stage }) => (stage === 0 || role !== 'anchor' ? INTEL : AMD);
  const { create, watch } = await served(store, [{ numericsAt }], 'warn');
  await create(specOf());
  await watch('trial');
  const both = { teacher: INTEL, student: INTEL };
  expect(await numericsByAttempt(store)).toMatchObject({ '0.1': both, '2.1': { ...both, anchor: AMD } });
});

test('an attempt with other numerics than the pair it resumes from goes on with one alarm for each model', async () => {
  const store = memoryStore();
  const numericsAt: ToyWorld['numericsAt'] = (role, { stage, attempt }) =>
    stage === 1 && attempt === 2 && role !== 'teacher' ? AMD : INTEL;
  const { create, watch } = await served(store, [{ failureAt: losesOne, numericsAt }], 'warn');
  await create(specOf({ curriculum: { generations: 2 } }));
  const events = await watch('trial');
  expect(alarmsIn(events)).toEqual([
    `computes otherwise than for the checkpoint of step 4, so results may differ in bits: ${HOW}`,
    `the anchor-server computes otherwise than for the checkpoint of step 4, so results may differ in bits: ${HOW}`,
  ]);
  expect(resultOf(lastRun(events))).toEqual(resultOf(await undisturbed({ curriculum: { generations: 2 } })));
});

test('a stage with other numerics than the one before raises an alarm too', async () => {
  const numericsAt: ToyWorld['numericsAt'] = (role, { stage }) => (stage === 1 && role === 'teacher' ? AMD : INTEL);
  const { create, watch } = await served(memoryStore(), [{ numericsAt }], 'warn');
  await create(specOf({ curriculum: { generations: 2 } }));
  expect(alarmsIn(await watch('trial'))).toEqual([
    `computes otherwise than for stage 0, so results may differ in bits: ${HOW}`,
  ]);
});

test('a precision that the processor does not have raises one alarm for each model, in the first stage', async () => {
  const numericsAt: ToyWorld['numericsAt'] = () => INTEL;
  const { create, watch } = await served(memoryStore(), [{ numericsAt }], 'warn');
  await create(specOf({ engine: { precision: 'bfloat16' }, curriculum: { generations: 2 } }));
  const message = 'computes in float32: TensorFlow has no bfloat16 for GenuineIntel 6 143';
  expect(alarmsIn(await watch('trial'))).toEqual([message, message]);
});

test('where equal numerics are required, a run goes on where they are', async () => {
  const store = memoryStore();
  const alike: ToyWorld = { failureAt: losesOne, numericsAt: () => INTEL };
  const other: ToyWorld = { numericsAt: () => AMD };
  const { create, watch, trios } = await served(store, [alike, other], 'require');
  await create(specOf());
  const events = await watch('trial');
  expect(resultOf(lastRun(events))).toEqual(resultOf(await undisturbed()));
  expect(trios[1]!.student.requests).toHaveLength(1);
  expect(alarmsIn(events)).toEqual([]);
});

test('where equal numerics are required, a run that finds none fails and names what differs', async () => {
  const numericsAt: ToyWorld['numericsAt'] = (role, { stage, attempt }) =>
    stage === 1 && attempt > 1 && role === 'student' ? AMD : INTEL;
  const { create, watch } = await served(memoryStore(), [{ failureAt: losesOne, numericsAt }], 'require');
  await create(specOf());
  expect(lastRun(await watch('trial'))).toMatchObject({
    phase: RunPhase.RUN_PHASE_FAILED,
    failure: `the student computes otherwise than for the checkpoint of step 4, and numerics are required to be equal: ${HOW} (3 attempts in a row)`,
  });
});

test('what a manifest does not record is not required', async () => {
  const store = memoryStore();
  const forgetting: ObjectStore = {
    ...store,
    create: (key, bytes) => store.create(key, key.includes('/manifests/') ? withoutNumerics(bytes) : bytes),
  };
  const numericsAt: ToyWorld['numericsAt'] = (_role, { attempt }) => (attempt === 1 ? INTEL : AMD);
  const { create, watch } = await served(forgetting, [{ failureAt: losesOne, numericsAt }], 'require');
  await create(specOf());
  expect(lastRun(await watch('trial'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
});

function withoutNumerics(bytes: Uint8Array): Uint8Array {
  const { numerics: _, ...manifest } = parseManifest(bytes);
  return encodeManifest(manifest);
}
