import type { ObjectStore } from '@trikd/core/domain/object-store';
import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { encodeJson } from '@trikd/core/run/stored/json-object';
import { LEASE_KEY } from '@trikd/core/run/stored/lease';
import { createRun, loadRun, saveRun } from '@trikd/core/run/stored/run-store';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test } from 'vitest';
import { cleanUp, gateAt, lastRun, resultOf, serve, specOf, trio, undisturbed } from './orchestrator-rig.js';

afterEach(cleanUp);

describe('orchestrators that share a store', () => {
  /** A store that stops answering once its process counts as dead. */
  function mortal(store: ObjectStore) {
    let dead = false;
    const unlessDead =
      <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        if (dead) await new Promise<never>(() => undefined);
        const result = await work(...args);
        if (dead) await new Promise<never>(() => undefined);
        return result;
      };
    const mine: ObjectStore = {
      get: unlessDead(store.get),
      size: unlessDead(store.size),
      part: unlessDead(store.part),
      put: unlessDead(store.put),
      create: unlessDead(store.create),
      replace: unlessDead(store.replace),
      list: unlessDead(store.list),
      remove: unlessDead(store.remove),
    };
    return {
      store: mine,
      die: () => {
        dead = true;
      },
    };
  }

  test('the standby goes on with a run whose leader has died, and with the streams of its watchers', async () => {
    const store = memoryStore();
    const held = gateAt(1, 5);
    const models = await trio(store, { gate: held.gate });
    const first = mortal(store);
    const leader = await serve(first.store, models);
    await leader.create(specOf());
    const standby = await serve(store, models);
    const watched = standby.watch('trial');
    await held.reached;
    first.die();
    held.open();
    const events = await watched;
    expect(resultOf(lastRun(events))).toEqual(resultOf(await undisturbed()));
    expect(events.some((event) => event.$case === 'progress')).toBe(true);
    expect(await readPointer(store, 'trial')).toMatchObject({ newest: 1, moves: 2 });
  });

  test('the same request, sent a hundred times to both, creates one run and one attempt', async () => {
    const store = memoryStore();
    const models = await trio(store);
    const both = [await serve(store, models), await serve(store, models)];
    await Promise.all(Array.from({ length: 100 }, (_, i) => both[i % 2]!.request(specOf(), 'r-1')));
    expect(lastRun(await both[0]!.watch('trial'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
    expect(models.teacher.requests.map(({ start }) => [start?.stage, start?.attempt])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
  });

  test('a leader whose term is below that of a run, as after the loss of the lease, leads again above it', async () => {
    const store = memoryStore();
    const lease = { version: 1, holder: 'who could not read the run', term: 2, beat: 0, released: true };
    await store.put(LEASE_KEY, encodeJson(lease));
    const spec = specFor('three stages');
    await saveRun(store, await createRun(store, spec), { term: 7 });
    const { watch } = await serve(store, await trio(store));
    expect(lastRun(await watch('trial'))?.phase).toBe(RunPhase.RUN_PHASE_COMPLETED);
    expect((await loadRun(store, 'trial')).term).toBe(8);
  });

  test('one that starts goes on with an unfinished run, without a request', async () => {
    const store = memoryStore();
    const held = gateAt(1, 5);
    const models = await trio(store, { gate: held.gate });
    const first = await serve(store, models);
    await first.create(specOf());
    await held.reached;
    const stopped = first.stop();
    held.open();
    await stopped;
    const second = await serve(store, models);
    expect(resultOf(lastRun(await second.watch('trial')))).toEqual(resultOf(await undisturbed()));
  });
});
