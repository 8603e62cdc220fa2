import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test } from 'vitest';
import { bestOf, cleanUp, gateAt, lastRun, loaded, serve, specOf, trio } from './orchestrator-rig.js';

afterEach(cleanUp);

describe('a rollback', () => {
  test('restarts the current generation beside the earlier anchor, once for one request', async () => {
    const store = memoryStore();
    const held = gateAt(2, 5);
    const models = await trio(store, { gate: held.gate });
    const { create, watch, rollBack } = await serve(store, models);
    await create(specOf());
    const watched = watch('trial');
    await held.reached;
    const rolled = rollBack('trial', 0, 'once');
    held.open();
    expect(await rolled).toMatchObject({ stage: 2, attempt: 2, rollbacks: 1, anchor: { stage: 0 } });
    await watched;
    expect(await rollBack('trial', 0, 'once')).toMatchObject({ rollbacks: 1 });
    expect(await readPointer(store, 'trial')).toMatchObject({ stage: 0, newest: 1, rollbacks: 1, moves: 3 });
    const run = lastRun(await watch('trial'));
    expect(run).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED, rollbacks: 1 });
    const beside = models.anchor.requests.filter(({ start }) => start?.stage === 2).map(loaded);
    expect(beside.at(-1)).toEqual({ anchor: bestOf(run, 0)?.params?.sha256 });
  });

  test('to a student that was not promoted is refused by name', async () => {
    const store = memoryStore();
    const { create, watch, rollBack } = await serve(store, await trio(store));
    await create(specOf());
    await watch('trial');
    await expect(rollBack('trial', 2, '')).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('the student of generation 2 was not promoted: only those of 0, 1 were'),
    });
    await expect(rollBack('absent', 0, '')).rejects.toMatchObject({ kind: 'not-found' });
  });
});
