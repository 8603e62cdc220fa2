import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { otherVersion, sealJson } from '../../checkpoint/json.js';
import { TrikdError } from '../../domain/errors.js';
import type { ObjectStore } from '../../domain/object-store.js';
import { createCandidate, LEASE_KEY } from './lease.js';
import { createRun, saveRun, stateKey } from './run-store.js';

const never = new AbortController().signal;
const SECONDS = 6;

function electorate(store: ObjectStore = memoryStore()) {
  const clock = virtualClock();
  const candidate = (holder: string, own = store) => createCandidate({ store: own, clock, holder, seconds: SECONDS });
  return { store, clock, candidate };
}

/** What a promise has come to, if it has. */
function outcomeOf<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const outcome: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => {
      outcome.value = value;
    },
    (error: unknown) => {
      outcome.error = error;
    },
  );
  return outcome;
}

test('of many candidates one leads', async () => {
  const { clock, candidate } = electorate();
  const campaigns = ['a', 'b', 'c', 'd'].map((name) => outcomeOf(candidate(name).campaign(never)));
  await clock.advance(1000 * 10 * SECONDS);
  expect(campaigns.filter(({ value }) => value)).toHaveLength(1);
});

test('a leader that renews is never replaced', async () => {
  const { clock, candidate } = electorate();
  const { lost } = await candidate('a').campaign(never);
  const other = outcomeOf(candidate('b').campaign(never));
  await clock.advance(1000 * 100 * SECONDS);
  expect(lost.aborted).toBe(false);
  expect(other).toEqual({});
});

test('a silent leader is replaced, with a higher term, and notices when it comes back', async () => {
  const { store, clock, candidate } = electorate();
  let frozen = false;
  const frozenNow = () => (frozen ? new Promise<never>(() => undefined) : undefined);
  const mine = { ...store, get: async (key: string) => (await frozenNow()) ?? store.get(key) };
  const first = await candidate('a', mine).campaign(never);
  frozen = true;
  const campaign = outcomeOf(candidate('b').campaign(never));
  await clock.advance(1000 * 0.9 * SECONDS);
  expect(campaign).toEqual({});
  await clock.advance(1000 * 2 * SECONDS);
  expect(campaign.value?.term).toBe(first.term + 1);
});

test('a leader that was replaced notices at its next renewal', async () => {
  const { clock, candidate } = electorate();
  const first = await candidate('a').campaign(never);
  const usurper = candidate('b');
  usurper.seize();
  expect((await usurper.campaign(never)).term).toBe(first.term + 1);
  await clock.advance(1000 * SECONDS);
  expect(first.lost.aborted).toBe(true);
  expect(first.lost.reason).toMatchObject({ kind: 'out-of-step' });
});

test('a campaign in progress that seizes leads at once', async () => {
  const { clock, candidate } = electorate();
  await candidate('a').campaign(never);
  const usurper = candidate('b');
  const campaign = outcomeOf(usurper.campaign(never));
  await clock.advance(10);
  usurper.seize();
  await clock.advance(0);
  expect(campaign.value?.term).toBe(2);
});

test('a leader that seizes does not seize again after another process leads', async () => {
  const { clock, candidate } = electorate();
  const first = candidate('a');
  await first.campaign(never);
  first.seize();
  const usurper = candidate('b');
  usurper.seize();
  await usurper.campaign(never);
  await clock.advance(1000 * SECONDS);
  const again = outcomeOf(first.campaign(never));
  await clock.advance(1000 * 5 * SECONDS);
  expect(again).toEqual({});
});

test('a lease that was released is taken without waiting for it to lapse', async () => {
  const { clock, candidate } = electorate();
  const first = await candidate('a').campaign(never);
  const campaign = outcomeOf(candidate('b').campaign(never));
  await clock.advance(10);
  await first.release();
  await clock.advance((1000 * SECONDS) / 3);
  expect(campaign.value?.term).toBe(2);
  expect(first.lost.aborted).toBe(false);
});

test('an unreachable store costs no leader the lead, even for longer than the lease', async () => {
  const { store, clock, candidate } = electorate();
  let away = false;
  const get: ObjectStore['get'] = async (key) => {
    if (away) throw new TrikdError('unavailable', 'away');
    return store.get(key);
  };
  const { lost } = await candidate('a', { ...store, get }).campaign(never);
  away = true;
  await clock.advance(1000 * 5 * SECONDS);
  away = false;
  await clock.advance(1000 * 5 * SECONDS);
  expect(lost.aborted).toBe(false);
});

test('time in which the store answered no process does not count as silence of the leader', async () => {
  const { store, clock, candidate } = electorate();
  const back = Promise.withResolvers<void>();
  let away = false;
  const failing: ObjectStore['get'] = async (key) => {
    if (away) throw new TrikdError('unavailable', 'away');
    return store.get(key);
  };
  const waiting: ObjectStore['get'] = async (key) => {
    if (away) await back.promise;
    return store.get(key);
  };
  const { lost } = await candidate('a', { ...store, get: failing }).campaign(never);
  const other = outcomeOf(candidate('b', { ...store, get: waiting }).campaign(never));
  await clock.advance(1000 * SECONDS);
  away = true;
  await clock.advance(1000 * 5 * SECONDS);
  away = false;
  back.resolve();
  await clock.advance(1000 * 5 * SECONDS);
  expect(other).toEqual({});
  expect(lost.aborted).toBe(false);
});

test('a leader that does not come back with the store is replaced after the usual silence', async () => {
  const { store, clock, candidate } = electorate();
  const back = Promise.withResolvers<void>();
  let away = false;
  const waiting: ObjectStore['get'] = async (key) => {
    if (away) await back.promise;
    return store.get(key);
  };
  const gone: ObjectStore['get'] = async (key) => (away ? new Promise<never>(() => undefined) : store.get(key));
  const first = await candidate('a', { ...store, get: gone }).campaign(never);
  const campaign = outcomeOf(candidate('b', { ...store, get: waiting }).campaign(never));
  await clock.advance(1000 * SECONDS);
  away = true;
  await clock.advance(1000 * 5 * SECONDS);
  back.resolve();
  await clock.advance(1000 * 0.9 * SECONDS);
  expect(campaign).toEqual({});
  await clock.advance(1000 * SECONDS);
  expect(campaign.value?.term).toBe(first.term + 1);
});

test('a damaged lease lapses like a silent one', async () => {
  const { store, clock, candidate } = electorate();
  await store.put(LEASE_KEY, Buffer.from('{'));
  const campaign = outcomeOf(candidate('a').campaign(never));
  await clock.advance(1000 * 0.9 * SECONDS);
  expect(campaign).toEqual({});
  await clock.advance(1000 * SECONDS);
  expect(campaign.value?.term).toBe(1);
});

test.each<[string, (store: ObjectStore) => Promise<unknown>]>([
  ['lost', (store) => store.remove(LEASE_KEY)],
  ['damaged', (store) => store.put(LEASE_KEY, Buffer.from('{'))],
])('after a lease that is %s comes a term above all that runs were written in', async (_what, lose) => {
  const { store, clock, candidate } = electorate();
  const first = await createRun(store, specFor('tiny', { name: 'a' }));
  await saveRun(store, first, { term: 7 });
  await createRun(store, specFor('tiny', { name: 'b' }));
  await store.put(stateKey('c'), Buffer.from('{'));
  await lose(store);
  const campaign = outcomeOf(candidate('a').campaign(never));
  await clock.advance(1000 * 2 * SECONDS);
  expect(campaign.value?.term).toBe(8);
});

test('a lease of another version names no leader, and ends a lead with the version that is read', async () => {
  const { store, clock, candidate } = electorate();
  const { lost } = await candidate('a').campaign(never);
  const lease = { version: 2, holder: 'b', term: 2, beat: 0, released: false };
  await store.put(LEASE_KEY, sealJson(lease));
  await clock.advance(1000 * SECONDS);
  expect(lost.reason).toMatchObject({ kind: 'corrupt', message: otherVersion(LEASE_KEY, 2, 1) });
  expect(await candidate('c').leader()).toBeUndefined();
});

test('a new term is above every term that the candidate knows', async () => {
  const { candidate } = electorate();
  const first = await candidate('a').campaign(never, 6);
  await first.release();
  const second = await candidate('b').campaign(never, 6);
  expect([first.term, second.term]).toEqual([7, 8]);
});

test('a new term is above that of a lease which the candidate has read before it was damaged', async () => {
  const { store, clock, candidate } = electorate();
  await candidate('a').campaign(never, 6);
  const campaign = outcomeOf(candidate('b').campaign(never));
  await clock.advance(0);
  await store.put(LEASE_KEY, Buffer.from('{'));
  await clock.advance(1000 * 3 * SECONDS);
  expect(campaign.value?.term).toBe(8);
});

test('of two leaders in the same term, after the lease was lost before its first write, one loses the lead', async () => {
  const { store, clock, candidate } = electorate();
  const first = await candidate('a').campaign(never);
  await store.remove(LEASE_KEY);
  const second = await candidate('b').campaign(never);
  expect([first.term, second.term]).toEqual([1, 1]);
  await clock.advance(1000 * 3 * SECONDS);
  expect([first.lost.aborted, second.lost.aborted]).toEqual([true, false]);
});

test('a campaign ends with the reason of its signal', async () => {
  const { clock, candidate } = electorate();
  await candidate('a').campaign(never);
  const left = new AbortController();
  const campaign = outcomeOf(candidate('b').campaign(left.signal));
  await clock.advance(10);
  const reason = new TrikdError('unavailable', 'shutting down');
  left.abort(reason);
  await clock.advance(0);
  expect(campaign.error).toBe(reason);
});
