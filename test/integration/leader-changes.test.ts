import type { ObjectStore } from '@trikd/core/domain/object-store';
import { stateKey } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { createLogger } from '@trikd/process/logging';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cleanUp, gateAt, lastRun, resultOf, serve, specOf, trio, undisturbed } from './orchestrator-rig.js';
import { LONG } from './steering-rig.js';
import { type Freeze, freezing, type Write } from './store-freezes.js';

const thaws: (() => void)[] = [];
afterEach(cleanUp);
// Before it: what stands still cannot be shut down.
afterEach(() => {
  for (const thaw of thaws.splice(0)) thaw();
});

type Served = Awaited<ReturnType<typeof serve>>;

const ended = async ({ watch }: Served, runId: string) => resultOf(lastRun(await watch(runId)));
const create = ({ orchestrator }: Served, name: string, change: object = {}) =>
  orchestrator.create({ spec: RunSpec.parse(specOf({ ...change, name })) });
const stateOf = async (store: ObjectStore, runId: string) =>
  JSON.parse(Buffer.from((await store.get(stateKey(runId)))!.bytes).toString());
const isFollowing = ({ orchestrator }: Served, runId: string) =>
  vi.waitFor(async () => {
    const refusal = orchestrator.steer(runId, { kind: 'resumed' });
    await expect(refusal).rejects.toThrow('this orchestrator does not lead: send the request to');
  }, 5000);

/** A process that stands still where the test says. */
function freezable(store: ObjectStore, freeze?: Freeze) {
  const frozen = freezing(store, freeze);
  thaws.push(frozen.thaw);
  return frozen;
}

describe('a leader that is frozen, replaced, and goes on', () => {
  test.each([1, 3])('harms no run of its successor, on %i trios', async (count) => {
    const store = memoryStore();
    const held = Array.from({ length: count }, () => gateAt(1, 5));
    const trios = await Promise.all(held.map((world) => trio(store, world)));
    const names = held.map((_, index) => `run-${index + 1}`);
    const frozen = freezable(store);
    const stale = await serve(frozen.store, trios);
    for (const name of names) await create(stale, name, LONG);
    await Promise.all(held.map(({ reached }) => reached));
    frozen.freeze();
    const events: unknown[] = [];
    const log = createLogger({ level: 'info' }, 'orchestrator', {
      write: (line) => void events.push(JSON.parse(line).msg),
    });
    const next = await serve(store, trios, undefined, log);
    const assigned = () => trios.map(({ student }) => student.requests.at(-1)?.start?.attempt);
    await vi.waitFor(() => expect(assigned()).toEqual(names.map(() => 2)), 5000);
    frozen.thaw();
    for (const name of names) await isFollowing(stale, name);
    for (const { open } of held) open();
    const expected = resultOf(await undisturbed(LONG));
    for (const name of names) expect(await ended(next, name)).toEqual(expected);
    expect(events).not.toContain('attempt lost');
    const attempts = trios.map(({ student }) => student.requests.map(({ start }) => start?.attempt).slice(-2));
    expect(attempts).toEqual(names.map(() => [2, 1]));
  });
});

describe('a leader that dies', () => {
  const ofRun = ({ key, content }: Write, phase: string) =>
    key === stateKey('first') && (content['state'] as { readonly phase: string }).phase === phase;
  const asks: Freeze = { when: 'after', at: (write) => ofRun(write, 'queued') };
  const hasTrio: Freeze = { when: 'before', at: (write) => ofRun(write, 'preparing') };
  const placed: Freeze = { when: 'after', at: (write) => ofRun(write, 'preparing') };

  test.each([
    { point: 'after it has written that a run asks for a trio', freeze: asks, attempt: 1, stored: 'queued' },
    { point: 'after the run has got the trio', freeze: hasTrio, attempt: 1, stored: 'queued' },
    { point: 'after it has written which trio', freeze: placed, attempt: 2, stored: 'preparing' },
  ])('$point leaves nothing behind that the next one does not find', async ({ freeze, attempt, stored }) => {
    const store = memoryStore();
    const models = await trio(store);
    const frozen = freezable(store, freeze);
    const dead = await serve(frozen.store, models);
    await create(dead, 'first');
    await frozen.reached;
    expect(await stateOf(store, 'first')).toMatchObject({ placement: { number: 1 }, state: { phase: stored } });
    expect(models.teacher.requests).toEqual([]);
    const next = await serve(store, models);
    await next.request(specOf({ name: 'second' }), 'r');
    const expected = resultOf(await undisturbed());
    for (const name of ['first', 'second']) expect(await ended(next, name)).toEqual(expected);
    expect(models.teacher.requests[0]).toMatchObject({ start: { runId: 'first', attempt } });
    await vi.waitFor(async () => expect(await store.list('queue/')).toEqual([]));
  });
});

test('a leader that misreads what it wrote keeps the trio for the run until it knows', async () => {
  const inner = memoryStore();
  const holders = new Map<string, string>();
  const shared: unknown[] = [];
  let misread = 0;
  const store: ObjectStore = {
    ...inner,
    replace: async (key, bytes, version) => {
      const outcome = await inner.replace(key, bytes, version);
      const { placement, state } = JSON.parse(Buffer.from(bytes).toString());
      if (outcome === 'conflict' || placement === undefined) return outcome;
      if (placement.trio === undefined) holders.delete(key);
      else holders.set(key, placement.trio);
      if (holders.size > 1) shared.push([...holders]);
      if (key === stateKey('first') && state.phase === 'preparing' && misread === 0) misread = 1;
      return outcome;
    },
    get: async (key) => {
      const object = await inner.get(key);
      if (!object || misread !== 1 || key !== stateKey('first')) return object;
      misread = 2;
      return { ...object, bytes: Uint8Array.from(object.bytes, (byte) => byte ^ 1) };
    },
  };
  const served = await serve(store, await trio(store));
  for (const name of ['first', 'second']) await create(served, name);
  for (const name of ['first', 'second'])
    expect(await ended(served, name)).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
  expect({ misread, shared }).toEqual({ misread: 2, shared: [] });
});
