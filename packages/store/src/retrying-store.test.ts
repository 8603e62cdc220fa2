import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { type VirtualClock, virtualClock } from '@trikd/testing/clock/virtual-clock';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { type RetryingStoreOptions, retryingStore } from './retrying-store.js';

const away = (sentence = 'the store is away') => new TrikdError('unavailable', sentence);
const bytes = Uint8Array.of(1, 2, 3);

/** A retrying store over one whose requests end as `fate` decides, and what it has reported. */
function rig(
  fate: (count: number, key: string) => Error | 'hangs' | undefined,
  options: Partial<RetryingStoreOptions> = {},
) {
  const clock: VirtualClock = virtualClock();
  const inner = memoryStore();
  const requests: number[] = [];
  const outages: (string | undefined)[] = [];
  const life = new AbortController();
  const meet = async (key: string) => {
    requests.push(clock.now());
    const met = fate(requests.length, key);
    if (met === 'hangs') await new Promise(() => {});
    if (met instanceof Error) throw met;
  };
  const strict: ObjectStore = {
    get: (key) => meet(key).then(() => inner.get(key)),
    size: (key) => meet(key).then(() => inner.size(key)),
    part: (key, ...range) => meet(key).then(() => inner.part(key, ...range)),
    put: (key, value) => meet(key).then(() => inner.put(key, value)),
    create: (key, value) => meet(key).then(() => inner.create(key, value)),
    replace: (key, value, version) => meet(key).then(() => inner.replace(key, value, version)),
    list: (prefix) => meet(prefix).then(() => inner.list(prefix)),
    remove: (key) => meet(key).then(() => inner.remove(key)),
  };
  const onOutage = (reason: string | undefined) => outages.push(reason);
  const store = retryingStore(strict, { clock, random: () => 1, signal: life.signal, onOutage, ...options });
  return { store, inner, clock, requests, outages, life };
}

/** The outcome of a promise, once it has settled. */
function outcomeOf(promise: Promise<unknown>) {
  const outcome: { value?: unknown; error?: unknown } = {};
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

const most = (requests: readonly number[], withinMs: number) =>
  Math.max(...requests.map((from) => requests.filter((at) => at >= from && at < from + withinMs).length));

describe('an operation', () => {
  test('that succeeds is performed once, whichever it is', async () => {
    const { store, requests, outages } = rig(() => undefined);
    await store.put('a', bytes);
    expect(await store.create('b', bytes)).toBe('created');
    expect(await store.create('b', bytes)).toBe('exists');
    const { version } = (await store.get('a'))!;
    expect(await store.replace('a', bytes, version)).toBe('replaced');
    expect(await store.replace('a', bytes, version)).toBe('conflict');
    expect(await store.size('a')).toBe(3);
    expect(await store.list('')).toEqual(['a', 'b']);
    await store.remove('a');
    expect(await store.get('a')).toBeUndefined();
    expect(requests).toHaveLength(10);
    expect(outages).toEqual([]);
  });

  test('that fails is retried after pauses that double up to the longest', async () => {
    const { store, inner, clock, requests } = rig((count) => (count <= 9 ? away() : undefined));
    const put = outcomeOf(store.put('a', bytes));
    await clock.advance(30_000);
    expect(requests).toEqual([0, 100, 300, 700, 1500, 3100, 6300, 11_300, 16_300, 21_300]);
    expect(put).toEqual({ value: undefined });
    expect(await inner.size('a')).toBe(3);
  });

  test('is retried after pauses that are shorter by up to half, at random', async () => {
    const { store, clock, requests } = rig((count) => (count <= 3 ? away() : undefined), { random: () => 0 });
    const get = outcomeOf(store.get('a'));
    await clock.advance(1000);
    expect(requests).toEqual([0, 50, 150, 350]);
    expect(get).toEqual({ value: undefined });
  });

  test.each([
    new TrikdError('corrupt', 'half of it is gone'),
    new TrikdError('invalid', 'no such key'),
    new Error('a defect'),
  ])('fails at once with any other error: %s', async (error) => {
    const { store, requests, outages } = rig(() => error);
    await expect(store.get('a')).rejects.toBe(error);
    expect(requests).toHaveLength(1);
    expect(outages).toEqual([]);
  });

  test('that finally fails with another error ends its outage', async () => {
    const error = new TrikdError('corrupt', 'half of it is gone');
    const { store, clock, outages } = rig((count) => (count === 1 ? away() : error));
    const get = outcomeOf(store.get('a'));
    await clock.advance(1000);
    expect(get).toEqual({ error });
    expect(outages).toEqual(['the store is away', undefined]);
  });
});

describe('an aborted signal', () => {
  const reason = new TrikdError('out-of-step', 'superseded');

  test('ends all pending operations, with its reason and without another request', async () => {
    const { store, clock, requests, life } = rig(() => away());
    const all = [store.get('a'), store.put('b', bytes), store.list('')].map(outcomeOf);
    await clock.advance(250);
    const before = requests.length;
    life.abort(reason);
    await clock.advance(10_000);
    expect(all).toEqual([{ error: reason }, { error: reason }, { error: reason }]);
    expect(requests).toHaveLength(before);
    expect(clock.sleepers).toBe(0);
  });

  test('ends an operation that the store does not answer', async () => {
    const { store, clock, life } = rig(() => 'hangs');
    const get = outcomeOf(store.get('a'));
    await clock.advance(1);
    life.abort(reason);
    await clock.advance(1);
    expect(get).toEqual({ error: reason });
  });

  test('lets no operation start', async () => {
    const { store, requests } = rig(() => undefined, { signal: AbortSignal.abort(reason) });
    await expect(store.get('a')).rejects.toBe(reason);
    expect(requests).toEqual([]);
  });
});

describe('an outage', () => {
  test('is reported once for one reason, again for another, and when it ends', async () => {
    const fates = [away(), away(), away('access denied'), away('access denied'), undefined];
    const { store, clock, outages } = rig((count) => fates[count - 1]);
    void store.get('a');
    await clock.advance(10_000);
    expect(outages).toEqual(['the store is away', 'access denied', undefined]);
  });

  test('does not end while another operation still fails', async () => {
    const { store, clock, outages } = rig((count, key) =>
      count < 40 && key === 'full' ? away('disk full') : undefined,
    );
    const put = outcomeOf(store.put('full', bytes));
    await clock.advance(1000);
    const get = outcomeOf(store.get('b'));
    await clock.advance(10_000);
    expect([put, get]).toEqual([{}, { value: undefined }]);
    expect(outages).toEqual(['disk full']);
    await clock.advance(300_000);
    expect(put).toEqual({ value: undefined });
    expect(outages).toEqual(['disk full', undefined]);
  });
});

describe('a store that is unavailable receives less than 20 requests a second', () => {
  const together = 200;
  const many = (store: ObjectStore) =>
    Array.from({ length: together }, (_, i) => outcomeOf(i % 2 === 0 ? store.get(`k${i}`) : store.put(`k${i}`, bytes)));

  test('while many operations are pending', async () => {
    const { store, clock, requests } = rig(() => away(), { random: () => 0 });
    const all = many(store);
    await clock.advance(60_000);
    // The requests at time 0 were sent before the first of them failed.
    const later = requests.filter((at) => at > 0);
    expect(most(later, 1000)).toBeLessThan(20);
    expect(later.length).toBeLessThan(60);
    expect(all.every((outcome) => Object.keys(outcome).length === 0)).toBe(true);
  });

  test('while every other request succeeds, and all operations complete', async () => {
    const { store, clock, requests } = rig((count) => (count % 2 === 1 ? away() : undefined), { random: () => 0 });
    const done: number[] = [];
    const oneAfterTheOther = async () => {
      for (let i = 0; i < 50; i++) done.push((await store.list('')).length);
    };
    void oneAfterTheOther();
    await clock.advance(600_000);
    expect(done).toHaveLength(50);
    expect(most(requests, 1000)).toBeLessThan(20);
  });

  test('and serves all of them within the longest pause once it is back', async () => {
    let back = false;
    const { store, clock } = rig(() => (back ? undefined : away()));
    const all = many(store);
    await clock.advance(60_000);
    back = true;
    await clock.advance(5000);
    expect(all.filter((outcome) => 'value' in outcome)).toHaveLength(together);
  });
});
