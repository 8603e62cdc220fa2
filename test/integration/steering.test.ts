import { firstState } from '@trikd/core/run/state';
import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { encodeJson } from '@trikd/core/run/stored/json-object';
import { LEASE_KEY } from '@trikd/core/run/stored/lease';
import { createRun, loadRun, saveRun } from '@trikd/core/run/stored/run-store';
import {
  AnchorMoveKind,
  ConditionStatus,
  type PhaseChanged,
  type Run,
  RunPhase,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test } from 'vitest';
import type { ToyWorld } from './orchestrator-doubles.js';
import {
  bestOf,
  cleanUp,
  gateAt,
  lastRun,
  loaded,
  resultOf,
  serve,
  specOf,
  trio,
  undisturbed,
} from './orchestrator-rig.js';
import { heldRun, LONG, steering } from './steering-rig.js';

afterEach(cleanUp);

/** Messages until one is what is waited for. */
async function until(
  messages: AsyncIterable<WatchRunResponse>,
  wanted: (run: Run | PhaseChanged) => boolean,
): Promise<readonly WatchRunResponse[]> {
  const seen: WatchRunResponse[] = [];
  for await (const message of messages) {
    seen.push(message);
    const { event } = message;
    if ((event?.$case === 'run' || event?.$case === 'phaseChanged') && wanted(event.value)) break;
  }
  return seen;
}

test('a run that rests and was written in a later term is resumed by one that leads anew above it', async () => {
  const store = memoryStore();
  const lease = { version: 1, holder: 'who could not read the run', term: 2, beat: 0, released: true };
  await store.put(LEASE_KEY, encodeJson(lease));
  const run = await createRun(store, specFor('three stages'));
  await saveRun(store, run, { term: 7, state: { ...firstState, phase: 'paused' } });
  const served = await serve(store, await trio(store));
  const { resume } = steering(served);
  await expect.poll(() => resume('trial', 'once').then(() => 'resumed', String), { timeout: 20_000 }).toBe('resumed');
  expect(lastRun(await served.watch('trial'))?.phase).toBe(RunPhase.RUN_PHASE_COMPLETED);
  expect((await loadRun(store, 'trial')).term).toBe(8);
});

describe('a run that is paused', () => {
  test('rests at a committed pair, and ends with the same results when it is resumed', async () => {
    const store = memoryStore();
    const { pause, resume, watch, models, get } = await heldRun(store);
    const watched = watch('trial');
    const paused = await pause('trial', 'once');
    expect(paused).toMatchObject({ phase: RunPhase.RUN_PHASE_PAUSED, stage: 1, attempt: 1 });
    const { state } = await loadRun(store, 'trial');
    const rested = 'pairs' in state ? state.pairs.at(-1)?.step : undefined;
    expect(rested).toBe(7);
    expect(paused?.conditions.find(({ type }) => type === 'Paused')).toMatchObject({
      status: ConditionStatus.CONDITION_STATUS_TRUE,
      reason: 'PausedOnRequest',
      lastTransitionTime: paused?.updateTime,
    });
    expect(await get('trial')).toMatchObject({ phase: RunPhase.RUN_PHASE_PAUSED });
    expect(await pause('trial', 'once')).toMatchObject({ phase: RunPhase.RUN_PHASE_PAUSED });
    await expect(pause('trial')).rejects.toMatchObject({ kind: 'wrong-state' });

    expect(await resume('trial')).toMatchObject({ phase: RunPhase.RUN_PHASE_QUEUED, attempt: 2 });
    // One stream of events reports the pause and the end.
    const events = await watched;
    const phases = events.flatMap((event) => (event.$case === 'phaseChanged' ? [event.value.phase] : []));
    expect(phases).toContain(RunPhase.RUN_PHASE_PAUSED);
    expect(resultOf(lastRun(events))).toEqual(resultOf(await undisturbed(LONG)));
    const again = models.teacher.requests.find(({ start }) => start?.stage === 1 && start.attempt > 1);
    expect(again?.start?.step).toBe(rested);
  });

  test('leaves the trainers to the next run, and goes on when that has ended', async () => {
    const store = memoryStore();
    const { pause, resume, create, watch } = await heldRun(store);
    await pause('trial');
    await create(specOf({ name: 'another', curriculum: { generations: 1 } }));
    expect(lastRun(await watch('another'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
    await resume('trial');
    expect(resultOf(lastRun(await watch('trial')))).toEqual(resultOf(await undisturbed(LONG)));
  });

  test('still rests when another orchestrator leads, which resumes it', async () => {
    const store = memoryStore();
    const { pause, stop, models } = await heldRun(store);
    await pause('trial');
    const next = await serve(store, models);
    await stop();
    await until(next.client.watchRun({ runId: 'trial', fromEvent: 0, pastOnly: false }), () => true);
    const { resume } = steering(next);
    const led = async (): Promise<unknown> => resume('trial').catch((error: { kind: string }) => error.kind);
    let answer = await led();
    while (answer === 'wrong-state') answer = await led();
    expect(lastRun(await next.watch('trial'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
  });
});

describe('a run whose stages are begun by hand', () => {
  test('waits before each but the first, and ends with the results of an automatic run', async () => {
    const store = memoryStore();
    const served = await serve(store, await trio(store));
    const { trigger } = steering(served);
    const manual = specOf({ curriculum: { generations: 3, advance: 'manual' } });
    await served.create(manual);
    const waits: number[] = [];
    const events: NonNullable<WatchRunResponse['event']>[] = [];
    for await (const { event } of served.client.watchRun({ runId: 'trial', fromEvent: 0, pastOnly: false })) {
      if (event) events.push(event);
      if (event?.$case !== 'phaseChanged') continue;
      const { phase, stage } = event.value;
      if (phase !== RunPhase.RUN_PHASE_WAITING) continue;
      waits.push(stage);
      // The same request begins one stage, though it is sent twice.
      const id = `begin-${stage}`;
      await Promise.all([trigger('trial', id), trigger('trial', id)]);
    }
    expect(waits).toEqual([1, 2]);
    expect(resultOf(lastRun(events))).toEqual(resultOf(await undisturbed()));
    await expect(trigger('trial')).rejects.toMatchObject({
      kind: 'wrong-state',
      message: expect.stringContaining('the run cannot be triggered: it completed after stage 2'),
    });
  });
});

describe('a run that is cancelled', () => {
  test('never continues, keeps its results, and frees the trainers', async () => {
    const store = memoryStore();
    const { cancel, resume, create, watch } = await heldRun(store);
    const watched = watch('trial');
    expect(await cancel('trial')).toMatchObject({
      phase: RunPhase.RUN_PHASE_CANCELLED,
      stages: [{ stage: 0 }],
    });
    expect(lastRun(await watched)).toMatchObject({ phase: RunPhase.RUN_PHASE_CANCELLED, endTime: expect.any(Date) });
    await expect(resume('trial')).rejects.toMatchObject({ kind: 'wrong-state' });
    expect(await create(specOf(LONG))).toMatchObject({ phase: RunPhase.RUN_PHASE_CANCELLED });
    const { state } = await loadRun(store, 'trial');
    const [pair] = 'pairs' in state ? state.pairs : [];
    expect(await store.get(pair?.manifestKey ?? '')).toBeDefined();
    await create(specOf({ name: 'another', curriculum: { generations: 1 } }));
    expect(lastRun(await watch('another'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
  });
});

describe('a promotion by hand', () => {
  test('makes a student the anchor that the rule refused, and the current generation restarts', async () => {
    const store = memoryStore();
    // The anchor double scores 0.7 and every student less: after generation 0 the rule promotes no student.
    const held = gateAt(2, 5);
    const accuracyAt = (_role: string, _stage: number, step: number) => 0.5 + 0.01 * step;
    const models = await trio(store, { gate: held.gate, accuracyAt });
    const served = await serve(store, models);
    const { promote } = steering(served);
    await served.create(specOf({ curriculum: { generations: 3, promotion: 'if-better' } }));
    const watched = served.watch('trial');
    await held.reached;
    await expect(promote('trial', 0)).rejects.toMatchObject({ kind: 'invalid' });
    await expect(promote('trial', 7)).rejects.toMatchObject({
      message: expect.stringContaining('stage 7 has not ended: only stages up to 1 have'),
    });
    const promoting = promote('trial', 1, 'once');
    held.open();
    expect(await promoting).toMatchObject({ stage: 2, attempt: 2, anchor: { stage: 1 }, rollbacks: 0 });
    await promote('trial', 1, 'once');
    expect(await readPointer(store, 'trial')).toMatchObject({ stage: 1, newest: 0, rollbacks: 1 });
    const run = lastRun(await watched);
    expect(run?.anchorMoves.map(({ kind, stage, during }) => [kind, stage, during])).toEqual([
      [AnchorMoveKind.ANCHOR_MOVE_KIND_RULE, 0, 0],
      [AnchorMoveKind.ANCHOR_MOVE_KIND_OVERRIDE, 1, 2],
    ]);
    expect(run?.anchorMoves.every(({ time }) => time instanceof Date)).toBe(true);
    expect(models.anchor.requests.map(loaded).at(-1)).toEqual({ anchor: bestOf(run, 1)?.params?.sha256 });
  });
});

describe('a run that failed of a passing cause', () => {
  test('is resumed from its last pair, and a watcher from an earlier event on gets the failure and the end', async () => {
    const store = memoryStore();
    let broken = true;
    const failureAt: ToyWorld['failureAt'] = (_role, { step }) =>
      broken && step === 3 ? { kind: 'unavailable', message: 'the peer is gone' } : undefined;
    const served = await serve(store, await trio(store, { failureAt }));
    await served.create(specOf(LONG));
    expect(lastRun(await served.watch('trial'))).toMatchObject({ phase: RunPhase.RUN_PHASE_FAILED });
    broken = false;
    expect(await steering(served).resume('trial')).toMatchObject({ phase: RunPhase.RUN_PHASE_QUEUED, failure: '' });
    const phases: RunPhase[] = [];
    const events: NonNullable<WatchRunResponse['event']>[] = [];
    for await (const { event } of served.client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false })) {
      if (event) events.push(event);
      if (event?.$case === 'phaseChanged') phases.push(event.value.phase);
    }
    expect(phases).toContain(RunPhase.RUN_PHASE_FAILED);
    expect(phases.at(-1)).toBe(RunPhase.RUN_PHASE_COMPLETED);
    expect(resultOf(lastRun(events))).toEqual(resultOf(await undisturbed(LONG)));
  });
});

describe('while a run has the only trio', () => {
  test('a run that is created waits its turn, and so does one that is resumed in the meantime', async () => {
    const store = memoryStore();
    // Later than any step of the first run.
    const held = gateAt(0, 30);
    const { pause, resume, create, get, watch } = await heldRun(store, held.gate);
    await create(specOf({ name: 'another', epochs: 40, curriculum: { generations: 1 } }));
    expect(await get('another')).toMatchObject({ placement: { waiting: { position: 1, length: 1 } } });
    await pause('trial');
    await held.reached;
    expect(await get('another')).toMatchObject({ placement: { trio: 'trio-1' } });
    for (const queued of [await resume('trial'), await get('trial')]) {
      expect(queued?.phase).toBe(RunPhase.RUN_PHASE_QUEUED);
      expect(queued?.conditions.find(({ type }) => type === 'Queued')).toMatchObject({
        ...{ status: ConditionStatus.CONDITION_STATUS_TRUE, reason: 'WaitingForTrio' },
        message: 'position 1 of 1: the only trio is taken',
      });
    }
    held.open();
    expect(lastRun(await watch('another'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
    expect(resultOf(lastRun(await watch('trial')))).toEqual(resultOf(await undisturbed(LONG)));
  });
});
