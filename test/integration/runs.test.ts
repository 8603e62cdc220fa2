import { ConditionStatus, type Run, RunListView, RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { unary } from '@trikd/transport/grpc/clients';
import { afterEach, describe, expect, test } from 'vitest';
import { cleanUp, serve, specOf, trio } from './orchestrator-rig.js';
import { heldRun, steering } from './steering-rig.js';

afterEach(cleanUp);

describe('the list of runs', () => {
  test('comes in pages by name, filtered by phase, and includes runs that cannot be read', async () => {
    const store = memoryStore();
    const served = await serve(store, await trio(store));
    const { list, pause } = steering(served);
    for (const name of ['c', 'a', 'b']) {
      await served.create(specOf({ name, curriculum: { generations: 1 } }));
      await served.watch(name);
    }
    await store.put('runs/bb/spec.json', Buffer.from('{}'));
    await store.put('runs/bb/state.json', Buffer.from('{}'));
    const first = await list(2);
    expect(first.runs.map(({ runId }) => runId)).toEqual(['a', 'b']);
    const rest = await list(2, first.nextPageToken);
    expect(rest).toMatchObject({ runs: [{ runId: 'c' }], unreadable: [{ runId: 'bb' }], nextPageToken: '' });
    expect((await list(0, '', [RunPhase.RUN_PHASE_PAUSED])).runs).toEqual([]);
    expect((await list(0, '', [RunPhase.RUN_PHASE_COMPLETED])).runs).toHaveLength(3);
    await expect(list(0, 'nonsense')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(pause('a')).rejects.toMatchObject({ kind: 'wrong-state' });
  });
});

describe('the summaries of runs', () => {
  test('have the result, and tags that are changed whichever orchestrator leads, while the run trains', async () => {
    const store = memoryStore();
    const leader = await heldRun(store);
    const standby = await serve(store, leader.models);
    const { client } = standby;
    const tag = (add: string[], remove: string[]) =>
      unary(client.tagRun.bind(client), { runId: 'trial', add, remove }, { what: 'it' });
    expect(await tag(['b', 'a'], ['c'])).toEqual({ tags: ['a', 'b'] });
    await expect(tag(['no tag'], [])).rejects.toMatchObject({ kind: 'invalid' });
    const request = { pageSize: 0, pageToken: '', phases: [], view: RunListView.RUN_LIST_VIEW_SUMMARY };
    const { runs, summaries } = await unary(leader.client.listRuns.bind(leader.client), request, { what: 'it' });
    const student = bestOf(await leader.get('trial'), 'student');
    expect(runs).toEqual([]);
    expect(summaries).toMatchObject([
      {
        ...{ runId: 'trial', phase: RunPhase.RUN_PHASE_TRAINING, method: 'trikd', stageName: 'generation-1' },
        ...{ tags: ['a', 'b'], startTime: expect.any(Date), result: { participant: 'student', metric: 'accuracy' } },
      },
    ]);
    expect(summaries[0]?.result?.validation).toBe(student);
    const got = await unary(client.getRun.bind(client), { runId: 'trial' }, { what: 'it' });
    expect(got.tags).toEqual(['a', 'b']);
    expect(await leader.cancel('trial')).toMatchObject({ phase: RunPhase.RUN_PHASE_CANCELLED });
  });
});

/** The validation of a learner in the first stage. */
function bestOf(run: Run | undefined, learner: string): number | undefined {
  const result = run?.stages[0]?.learners.find(({ participant }) => participant === learner);
  return result?.best?.validation?.metrics['accuracy'];
}

describe('a run that is deleted', () => {
  test('is gone from the store, once for one request, and its name is free', async () => {
    const store = memoryStore();
    const { remove, cancel, get, create } = await heldRun(store);
    await expect(remove('trial')).rejects.toMatchObject({
      kind: 'wrong-state',
      message: expect.stringContaining('the run cannot be deleted: it is training generation 1'),
    });
    await cancel('trial');
    await remove('trial', 'once');
    await remove('trial', 'once');
    expect(await store.list('runs/')).toEqual([]);
    expect(await store.list('events/')).toEqual([]);
    await expect(get('trial')).rejects.toMatchObject({ kind: 'not-found' });
    await expect(remove('trial')).rejects.toMatchObject({ kind: 'not-found' });
    expect(await create(specOf({ epochs: 4 }))).toMatchObject({ stage: 0, attempt: 1 });
  });
});

describe('an orchestrator that stands by', () => {
  test('refuses to steer, and names the leader; it still lists runs and streams events', async () => {
    const store = memoryStore();
    const leader = await heldRun(store);
    const standby = await serve(store, leader.models);
    const { pause, remove, list } = steering(standby);
    for (const refused of [pause('trial'), remove('trial')]) {
      await expect(refused).rejects.toMatchObject({
        kind: 'wrong-state',
        message: expect.stringMatching(/this orchestrator does not lead: send the request to orchestrator \d+ on /),
      });
    }
    expect(await list()).toMatchObject({ runs: [{ runId: 'trial', phase: RunPhase.RUN_PHASE_TRAINING }] });
    const seen = await standby.get('trial');
    expect(seen?.conditions.find(({ type }) => type === 'Stalled')).toMatchObject({
      status: ConditionStatus.CONDITION_STATUS_UNKNOWN,
      reason: 'NotDrivenHere',
    });
    expect((await leader.get('trial'))?.conditions.find(({ type }) => type === 'Stalled')).toMatchObject({
      status: ConditionStatus.CONDITION_STATUS_FALSE,
      reason: 'GoesOn',
    });
    await leader.cancel('trial');
  });
});
