import { TrikdError } from '@trikd/core/domain/errors';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { createLogger } from '@trikd/process/logging';
import { type Run, RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  cleanUp,
  gateAt,
  heldUntilLimited,
  lastRun,
  resultOf,
  serve,
  specOf,
  trio,
  undisturbed,
} from './orchestrator-rig.js';
import { LONG } from './steering-rig.js';

afterEach(cleanUp);

type Served = Awaited<ReturnType<typeof serve>>;

const silent = () => createLogger({ level: 'silent' }, 'orchestrator');
const queued = (run: Run | undefined) => run?.conditions.find(({ type }) => type === 'Queued');
const ended = async ({ watch }: Served, runId: string) => resultOf(lastRun(await watch(runId)));
const create = ({ orchestrator }: Served, name: string, change: object = {}, asked: object = {}) =>
  orchestrator.create({ spec: RunSpec.parse(specOf({ ...change, name })), takeOver: true, ...asked });

test('more runs than trios all end like runs that were alone', async () => {
  const store = memoryStore();
  const served = await serve(store, [await trio(store), await trio(store)]);
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of names) await create(served, name);
  const expected = await undisturbed();
  for (const name of names) expect(await ended(served, name)).toEqual(resultOf(expected));
});

test('runs get the only trio by priority and then in the order of their creation, and say where they stand', async () => {
  const store = memoryStore();
  const held = gateAt(0, 1);
  const placed: unknown[] = [];
  const log = createLogger({ level: 'info' }, 'orchestrator', {
    write: (line) => {
      const { trio: name, runId } = JSON.parse(line);
      if (name) placed.push(runId);
    },
  });
  const served = await serve(store, await trio(store, held), undefined, log);
  await create(served, 'first');
  await held.reached;
  for (const name of ['second', 'third']) await create(served, name);
  await create(served, 'urgent', {}, { placement: { priority: 5 } });
  expect(queued(await served.get('urgent'))?.message).toBe('position 1 of 3: the only trio is taken');
  expect((await served.get('third'))?.placement?.waiting).toEqual({ position: 3, length: 3 });
  held.open();
  for (const name of ['second', 'third', 'urgent']) await served.watch(name);
  expect(placed).toEqual(['first', 'urgent', 'second', 'third']);
});

test('a team has no more trios than its quota, and another team passes', async () => {
  const store = memoryStore();
  const held = gateAt(0, 1);
  const trios = [await trio(store, held), await trio(store)];
  const served = await serve(store, trios, undefined, silent(), {}, { quotas: { vision: 1 } });
  const by = (team: string) => ({ owner: { subject: 'ann', team } });
  await create(served, 'one', {}, by('vision'));
  await held.reached;
  await create(served, 'two', {}, by('vision'));
  await create(served, 'other', {}, by('speech'));
  expect(await ended(served, 'other')).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
  expect(queued(await served.get('two'))).toMatchObject({ reason: 'QuotaWait' });
  held.open();
  expect(await ended(served, 'two')).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
});

test('a run of a higher priority takes the trio where that is allowed, and the other one ends as if nothing had happened', async () => {
  const store = memoryStore();
  const held = heldUntilLimited(1, 5);
  const kinds: unknown[] = [];
  const log = createLogger({ level: 'info' }, 'orchestrator', {
    write: (line) => {
      const { msg, kind, phase } = JSON.parse(line);
      if (msg === 'attempt lost' || phase === 'queued') kinds.push(kind);
    },
  });
  const served = await serve(store, await trio(store, held), undefined, log, {}, { preemption: 'lower-priority' });
  await create(served, 'low', LONG);
  await held.reached;
  await create(served, 'urgent', {}, { placement: { priority: 1 } });
  expect(await ended(served, 'urgent')).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
  expect(await ended(served, 'low')).toEqual(resultOf(await undisturbed(LONG)));
  expect(kinds).toEqual(['preempted']);
});

describe('a run whose trio', () => {
  test('drains goes on elsewhere from a pair of the last step, and no attempt is lost', async () => {
    const store = memoryStore();
    const held = heldUntilLimited(1, 5);
    const [one, other] = [await trio(store, held), await trio(store)];
    const served = await serve(store, [one, other]);
    await create(served, 'moves', LONG);
    await held.reached;
    one.student.health('NOT_SERVING');
    expect(await ended(served, 'moves')).toEqual(resultOf(await undisturbed(LONG)));
    expect(other.student.requests[0]).toMatchObject({ start: { stage: 1, attempt: 2, step: 7 } });
  });

  test('dies goes on elsewhere', async () => {
    const store = memoryStore();
    const held = gateAt(1, 5);
    const [one, other] = [await trio(store, held), await trio(store)];
    const served = await serve(store, [one, other]);
    await create(served, 'moves', LONG);
    await held.reached;
    for (const service of [one.teacher, one.student, one.anchor]) service.close();
    expect(await ended(served, 'moves')).toEqual(resultOf(await undisturbed(LONG)));
    expect(other.student.requests).not.toEqual([]);
  });
});

test('a run whose trio is well but does not answer goes on elsewhere at once, and the loss counts', async () => {
  const store = memoryStore();
  const silent = (): TrikdError => new TrikdError('unavailable', 'no answer');
  const lines: unknown[] = [];
  const log = createLogger({ level: 'info' }, 'orchestrator', {
    write: (line) => {
      const { msg, trio: name, kind } = JSON.parse(line);
      if (name) lines.push(name);
      if (msg === 'attempt lost') lines.push(kind);
    },
  });
  const models = [await trio(store, { refusalAt: silent }), await trio(store)];
  const served = await serve(store, models, undefined, log);
  await create(served, 'moves');
  expect(await ended(served, 'moves')).toEqual(resultOf(await undisturbed()));
  expect(lines).toEqual(['trio-1', 'unavailable', 'trio-2']);
});

describe('of two orchestrators', () => {
  test('the next leader takes all runs over on the trios that they have', async () => {
    const store = memoryStore();
    const [a, b] = [heldUntilLimited(1, 5), heldUntilLimited(1, 5)];
    const trios = [await trio(store, a), await trio(store, b)];
    const first = await serve(store, trios);
    for (const name of ['a', 'b', 'c']) await create(first, name, LONG);
    await Promise.all([a.reached, b.reached]);
    const second = await serve(store, trios);
    await first.stop();
    const expected = resultOf(await undisturbed(LONG));
    for (const name of ['a', 'b', 'c']) expect(await ended(second, name)).toEqual(expected);
    for (const { teacher } of trios) {
      const starts = teacher.requests.map(({ start }) => `${start?.runId} ${start?.stage}.${start?.attempt}`);
      expect(starts.slice(2, 3)).toEqual([expect.stringMatching(/^[ab] 1\.2$/)]);
    }
  });

  test('the one that follows accepts runs, which the leader drives', async () => {
    const store = memoryStore();
    const models = await trio(store);
    const leader = await serve(store, models);
    await create(leader, 'first');
    await leader.watch('first');
    const follower = await serve(store, models);
    await follower.request(specOf({ name: 'second' }), 'r');
    expect(await ended(follower, 'second')).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
    await vi.waitFor(async () => expect(await store.list('queue/')).toEqual([]));
  });
});

test('a run that cannot be read stops no other', async () => {
  const store = memoryStore();
  const served = await serve(store, await trio(store));
  await store.put('runs/broken/spec.json', Buffer.from('{'));
  await store.put('runs/broken/state.json', Buffer.from('{'));
  await create(served, 'whole');
  expect(await ended(served, 'whole')).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
});
