import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { type VirtualClock, virtualClock } from '@trikd/testing/clock/virtual-clock';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { type PatienceOptions, patientStore } from './patient-store.js';

const away = (sentence = 'the store is away') => new TrikdError('unavailable', sentence);
const bytes = Uint8Array.of(1, 2, 3);

/** A patient store over one that does what `fate` says of each request, and what came of it. */
function rig(
  fate: (count: number, key: string) => Error | 'hangs' | undefined,
  options: Partial<PatienceOptions> = {},
) {
  const clock: VirtualClock = virtualClock();
  const inner = memoryStore();
  const requests: number[] = [];
  const troubles: (string | undefined)[] = [];
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
    put: (key, value) => meet(key).then(() => inner.put(key, value)),
    create: (key, value) => meet(key).then(() => inner.create(key, value)),
    replace: (key, value, version) => meet(key).then(() => inner.replace(key, value, version)),
    list: (prefix) => meet(prefix).then(() => inner.list(prefix)),
    remove: (key) => meet(key).then(() => inner.remove(key)),
  };
  const trouble = (reason: string | undefined) => troubles.push(reason);
  const store = patientStore(strict, { clock, random: () => 1, signal: life.signal, trouble, ...options });
  return { store, inner, clock, requests, troubles, life };
}

/** What a promise came to, as far as it has. */
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
  test('that can be done is done at once, whatever it is', async () => {
    const { store, requests, troubles } = rig(() => undefined);
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
    expect(troubles).toEqual([]);
  });

  test('that cannot is tried again after pauses that double up to the longest', async () => {
    const { store, inner, clock, requests } = rig((count) => (count <= 9 ? away() : undefined));
    const put = outcomeOf(store.put('a', bytes));
    await clock.advance(30_000);
    expect(requests).toEqual([0, 100, 300, 700, 1500, 3100, 6300, 11_300, 16_300, 21_300]);
    expect(put).toEqual({ value: undefined });
    expect(await inner.size('a')).toBe(3);
  });

  test('pauses shorter by up to half, at random', async () => {
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
  ])('fails at once of anything else: %s', async (error) => {
    const { store, requests, troubles } = rig(() => error);
    await expect(store.get('a')).rejects.toBe(error);
    expect(requests).toHaveLength(1);
    expect(troubles).toEqual([]);
  });

  test('that fails of something else in the end is no trouble any more', async () => {
    const error = new TrikdError('corrupt', 'half of it is gone');
    const { store, clock, troubles } = rig((count) => (count === 1 ? away() : error));
    const get = outcomeOf(store.get('a'));
    await clock.advance(1000);
    expect(get).toEqual({ error });
    expect(troubles).toEqual(['the store is away', undefined]);
  });
});

describe('the end of the owner', () => {
  const reason = new TrikdError('out-of-step', 'superseded');

  test('ends all that pause or wait, with its reason and without another request', async () => {
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

  test('ends an operation that the store never answers', async () => {
    const { store, clock, life } = rig(() => 'hangs');
    const get = outcomeOf(store.get('a'));
    await clock.advance(1);
    life.abort(reason);
    await clock.advance(1);
    expect(get).toEqual({ error: reason });
  });

  test('lets nothing begin', async () => {
    const { store, requests } = rig(() => undefined, { signal: AbortSignal.abort(reason) });
    await expect(store.get('a')).rejects.toBe(reason);
    expect(requests).toEqual([]);
  });
});

describe('trouble', () => {
  test('is told once for one sentence, again for another, and then its end', async () => {
    const fates = [away(), away(), away('access denied'), away('access denied'), undefined];
    const { store, clock, troubles } = rig((count) => fates[count - 1]);
    void store.get('a');
    await clock.advance(10_000);
    expect(troubles).toEqual(['the store is away', 'access denied', undefined]);
  });

  test('is not over while another operation still fails', async () => {
    const { store, clock, troubles } = rig((count, key) =>
      count < 40 && key === 'full' ? away('disk full') : undefined,
    );
    const put = outcomeOf(store.put('full', bytes));
    await clock.advance(1000);
    const get = outcomeOf(store.get('b'));
    await clock.advance(10_000);
    expect([put, get]).toEqual([{}, { value: undefined }]);
    expect(troubles).toEqual(['disk full']);
    await clock.advance(300_000);
    expect(put).toEqual({ value: undefined });
    expect(troubles).toEqual(['disk full', undefined]);
  });
});

describe('a store in trouble is asked less than 20 times a second', () => {
  const together = 200;
  const many = (store: ObjectStore) =>
    Array.from({ length: together }, (_, i) => outcomeOf(i % 2 === 0 ? store.get(`k${i}`) : store.put(`k${i}`, bytes)));

  test('when many operations wait for it', async () => {
    const { store, clock, requests } = rig(() => away(), { random: () => 0 });
    const all = many(store);
    await clock.advance(60_000);
    // What was under way when the trouble began came before anybody could know of it.
    const later = requests.filter((at) => at > 0);
    expect(most(later, 1000)).toBeLessThan(20);
    expect(later.length).toBeLessThan(60);
    expect(all.every((outcome) => Object.keys(outcome).length === 0)).toBe(true);
  });

  test('when every other request goes well, and all operations end', async () => {
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

  test('and when it is back, everybody is served within the longest pause', async () => {
    let back = false;
    const { store, clock } = rig(() => (back ? undefined : away()));
    const all = many(store);
    await clock.advance(60_000);
    back = true;
    await clock.advance(5000);
    expect(all.filter((outcome) => 'value' in outcome)).toHaveLength(together);
  });
});
