import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Role } from '@trikd/core/domain/position';
import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ToyWorld } from './orchestrator-doubles.js';
import {
  bestOf,
  cleanUp,
  folder,
  gateAt,
  heldUntilLimited,
  lastRun,
  loaded,
  resultOf,
  serve,
  specOf,
  trio,
} from './orchestrator-rig.js';

afterEach(cleanUp);

describe('the orchestrator', () => {
  test('trains three generations and promotes twice', async () => {
    const store = memoryStore();
    const models = await trio(store);
    const events = await folder();
    const { create, watch, get, stop } = await serve(store, models, events);
    expect(await create(specOf())).toMatchObject({ runId: 'trial', phase: RunPhase.RUN_PHASE_QUEUED, attempt: 1 });
    const seen = await watch('trial');
    const run = lastRun(seen);
    expect(run).toMatchObject({
      phase: RunPhase.RUN_PHASE_COMPLETED,
      stage: 2,
      attempt: 1,
      bestStage: 2,
      stages: [
        { stage: 0, stageName: 'generation-0', promoted: true, steps: 8, frozen: [], candidate: 'student' },
        {
          stage: 1,
          promoted: true,
          steps: 8,
          frozen: [{ participant: 'anchor', validation: { metrics: { accuracy: 0.7 } } }],
        },
        {
          stage: 2,
          promoted: false,
          steps: 8,
          frozen: [{ participant: 'anchor', test: { metrics: { accuracy: 0.7 } } }],
        },
      ],
    });
    for (const { stage } of run?.stages ?? []) {
      const { validation, test } = bestOf(run, stage) ?? {};
      expect(test?.metrics['accuracy']).toBeCloseTo((validation?.metrics['accuracy'] ?? 0) - 0.01);
    }
    expect(await get('trial')).toEqual(run);

    // The anchor of a generation is the student of the one before.
    expect(models.anchor.requests.map(loaded)).toEqual(
      [0, 1].map((stage) => ({ anchor: bestOf(run, stage)?.params?.sha256 })),
    );
    const student = { participant: 'student', address: models.student.address };
    const anchor = { participant: 'anchor', address: models.anchor.address };
    expect(models.teacher.requests.map(({ sources, promoted }) => ({ sources, promoted }))).toEqual([
      { sources: [student], promoted: false },
      { sources: [anchor, student], promoted: true },
      { sources: [anchor, student], promoted: true },
    ]);

    // The log of events has every checkpoint; the store keeps the last one of each stage.
    await stop();
    const lines = (await readFile(join(events, 'trial', 'events.jsonl'), 'utf8')).trim().split('\n');
    const committed = lines.flatMap((line): { step: number; manifestKey: string }[] => {
      const entry: { committed?: { step: number; manifestKey: string } } = JSON.parse(line);
      return entry.committed ? [entry.committed] : [];
    });
    expect(committed.length).toBeGreaterThanOrEqual(12);
    const last = committed.filter(({ step }) => step === 8).map(({ manifestKey }) => manifestKey);
    expect(await store.list('runs/trial/manifests/')).toEqual(last);
    expect(await readPointer(store, 'trial')).toMatchObject({ stage: 1, newest: 1, moves: 2 });
  });

  test('ends each stage where the student converges, however it was interrupted', async () => {
    const accuracyAt = (_role: string, stage: number, step: number) =>
      0.6 + 0.05 * stage + 0.01 * Math.min(step, 12 - step);
    const patient = specOf({ epochs: 16, convergence: { patience: 2 }, curriculum: { generations: 2 } });
    const undisturbed = memoryStore();
    const calm = await serve(undisturbed, await trio(undisturbed, { accuracyAt }));
    await calm.create(patient);
    const expected = lastRun(await calm.watch('trial'));
    expect(expected?.stages.map(({ steps, stage }) => [steps, bestOf(expected, stage)?.step])).toEqual([
      [10, 6],
      [10, 6],
    ]);

    const store = memoryStore();
    const held = gateAt(1, 7);
    const models = await trio(store, { accuracyAt, gate: held.gate });
    const first = await serve(store, models);
    await first.create(patient);
    await held.reached;
    const stopped = first.stop();
    held.open();
    await stopped;
    const second = await serve(store, models);
    await second.create(patient);
    expect(resultOf(lastRun(await second.watch('trial')))).toEqual(resultOf(expected));
  });

  test('goes on after a first student that learned nothing, without an anchor, and an alarm says why', async () => {
    const store = memoryStore();
    const models = await trio(store, { accuracyAt: (_role, stage) => (stage === 0 ? 0.25 : 0.8) });
    const { create, watch } = await serve(store, models);
    await create(specOf());
    const seen = await watch('trial');
    expect(lastRun(seen)).toMatchObject({
      phase: RunPhase.RUN_PHASE_COMPLETED,
      stages: [
        { stage: 0, promoted: false },
        { stage: 1, promoted: true, frozen: [] },
        { stage: 2, promoted: false, frozen: [{ validation: { metrics: { accuracy: 0.7 } } }] },
      ],
    });
    const alarms = seen.flatMap((event) => (event.$case === 'alarm' ? [event.value] : []));
    expect(alarms).toMatchObject([
      { stage: 0, alarm: { message: expect.stringMatching(/^cannot be the anchor: it answers like chance/) } },
    ]);
    expect(await readPointer(store, 'trial')).toMatchObject({ stage: 1 });
  });

  test('fails a run whose trainer diverged, with its sentence, and does not begin it again', async () => {
    const store = memoryStore();
    // The student only sees that its peer is gone, and says so first.
    const failureAt: ToyWorld['failureAt'] = (failing, { step }) =>
      step < 3
        ? undefined
        : failing === 'teacher'
          ? { kind: 'diverged', message: 'loss is NaN at step 3' }
          : { kind: 'unavailable', message: 'the peer is gone' };
    const { create, watch } = await serve(store, await trio(store, { failureAt }));
    await create(specOf());
    expect(lastRun(await watch('trial'))).toMatchObject({
      phase: RunPhase.RUN_PHASE_FAILED,
      attempt: 1,
      failure: 'the teacher: loss is NaN at step 3',
    });
    await expect(create(specOf())).rejects.toMatchObject({
      kind: 'wrong-state',
      message: expect.stringContaining('would fail again: the teacher: loss is NaN at step 3; change its spec'),
    });
  });

  test('begins a lost attempt again from the last pair and ends as if nothing had been lost', async () => {
    const calmStore = memoryStore();
    const calm = await serve(calmStore, await trio(calmStore));
    await calm.create(specOf());
    const expected = lastRun(await calm.watch('trial'));

    const store = memoryStore();
    const failureAt: ToyWorld['failureAt'] = (_failing, { stage, attempt, step }) =>
      stage === 1 && attempt < 3 && step === 3 + 2 * attempt
        ? { kind: 'unavailable', message: 'the peer is gone' }
        : undefined;
    const models = await trio(store, { failureAt });
    const { create, watch } = await serve(store, models);
    await create(specOf());
    const run = lastRun(await watch('trial'));
    expect(resultOf(run)).toEqual(resultOf(expected));
    const starts = models.student.requests.map(({ start }) => [start?.stage, start?.attempt, start?.step]);
    expect(starts).toEqual([
      [0, 1, 0],
      [1, 1, 0],
      [1, 2, 4],
      [1, 3, 6],
      [2, 1, 0],
    ]);
  });

  test.each<[Role, number]>([
    ['anchor', 4],
    ['student', 2],
  ])(
    'gives up a pair for damage of its own alone: what the %s cannot read makes it begin at step %i',
    async (role, step) => {
      const store = memoryStore();
      const failureAt: ToyWorld['failureAt'] = (_failing, at) =>
        at.stage === 1 && at.attempt === 1 && at.step === 5
          ? { kind: 'unavailable', message: 'the peer is gone' }
          : undefined;
      const refusalAt: ToyWorld['refusalAt'] = (asked, at) =>
        asked === role && at.stage === 1 && at.attempt === 2
          ? new TrikdError('corrupt', 'blob b: it is gone')
          : undefined;
      const models = await trio(store, { failureAt, refusalAt });
      const { create, watch } = await serve(store, models);
      await create(specOf());
      expect(lastRun(await watch('trial'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
      const starts = models.teacher.requests.map(({ start }) => [start?.stage, start?.attempt, start?.step]);
      expect(starts).toContainEqual([1, 3, step]);
    },
  );

  test('gives up when attempts are lost again and again, and goes on when it is asked again', async () => {
    const store = memoryStore();
    let broken = true;
    const failureAt: ToyWorld['failureAt'] = (_failing, { step }) =>
      broken && step === 3 ? { kind: 'unavailable', message: 'the peer is gone' } : undefined;
    const { create, watch } = await serve(store, await trio(store, { failureAt }));
    await create(specOf());
    expect(lastRun(await watch('trial'))).toMatchObject({
      phase: RunPhase.RUN_PHASE_FAILED,
      failure: expect.stringMatching(/the peer is gone \(3 attempts in a row\)$/),
    });
    broken = false;
    expect(await create(specOf())).toMatchObject({ phase: RunPhase.RUN_PHASE_QUEUED, failure: '' });
    expect(lastRun(await watch('trial'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
  });

  test('drains to a pair of one step and continues from it', async () => {
    const store = memoryStore();
    const held = heldUntilLimited(1, 5);
    const models = await trio(store, held);
    const first = await serve(store, models);
    const rarely = specOf({ checkpoint: { everyEpochs: 8 }, epochs: 12 });
    await first.create(rarely);
    const watched = first.watch('trial');
    await held.reached;
    await first.stop();
    expect((await watched).at(-1)).toEqual({ $case: 'drained', value: { stage: 1, step: 7 } });

    const second = await serve(store, models);
    await second.create(rarely);
    expect(lastRun(await second.watch('trial'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
    for (const { requests } of [models.teacher, models.student]) {
      const resumed = requests.find(({ start }) => start?.stage === 1 && start.attempt === 2);
      expect(resumed).toMatchObject({ start: { step: 7 }, resume: { step: 7, best: { step: 6 } } });
    }
  });

  test('loses a run to an orchestrator that takes it over, and the run ends like an undisturbed one', async () => {
    const calmStore = memoryStore();
    const calm = await serve(calmStore, await trio(calmStore));
    await calm.create(specOf());
    const expected = lastRun(await calm.watch('trial'));

    const store = memoryStore();
    const held = gateAt(1, 5);
    const models = await trio(store, { gate: held.gate });
    const first = await serve(store, models);
    await first.create(specOf());
    const abandoned = expect(first.watch('trial')).rejects.toMatchObject({
      details: 'another orchestrator drives run trial now',
    });
    await held.reached;
    const second = await serve(store, models);
    await second.create(specOf());
    await vi.waitFor(async () => expect(await second.get('trial')).toMatchObject({ stage: 1, attempt: 2 }));
    held.open();
    expect(resultOf(lastRun(await second.watch('trial')))).toEqual(resultOf(expected));
    await abandoned;
  });

  test('refuses trainers that read different data, naming both', async () => {
    const store = memoryStore();
    const datasetDigest = (reader: string) => (reader === 'teacher' ? 'a' : 'b').repeat(64);
    const { create, watch } = await serve(store, await trio(store, { datasetDigest }));
    await create(specOf());
    expect(lastRun(await watch('trial'))).toMatchObject({
      phase: RunPhase.RUN_PHASE_FAILED,
      failure: `the student finds datasetDigest ${'b'.repeat(64)}, the teacher ${'a'.repeat(64)}: they read different data`,
    });
  });

  test('refuses a spec with every mistake by name, and another spec under a name that is taken', async () => {
    const store = memoryStore();
    const { create, watch, get } = await serve(store, await trio(store));
    await expect(create(specOf({ epochs: 0, temprature: 2, batchSize: 'many' }))).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/(?=.*temprature)(?=.*batchSize)(?=.*epochs)/s),
    });
    await expect(get('trial')).rejects.toMatchObject({ kind: 'not-found' });
    await create(specOf());
    await watch('trial');
    await expect(create(specOf({ epochs: 9 }))).rejects.toMatchObject({
      message: expect.stringContaining('epochs: stored 8, requested 9'),
    });
    expect(RunSpec.parse(JSON.parse((await create(specOf()))?.spec ?? '{}')).epochs).toBe(8);
  });

  test('fails when the candidate in the store is not what the student wrote', async () => {
    const memory = memoryStore();
    const spoiled: ObjectStore = {
      ...memory,
      put: (key, bytes) =>
        memory.put(key, Buffer.from(bytes).includes('params of the student') ? Buffer.alloc(bytes.length) : bytes),
    };
    const { create, watch } = await serve(spoiled, await trio(spoiled));
    await create(specOf());
    expect(lastRun(await watch('trial'))).toMatchObject({
      phase: RunPhase.RUN_PHASE_FAILED,
      failure: expect.stringContaining('params of the candidate: expected'),
    });
    expect((await loadRun(spoiled, 'trial')).state).toMatchObject({ results: [] });
  });
});
