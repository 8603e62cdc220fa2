import type { ObjectStore } from '@trikd/core/domain/object-store';
import { placementOfNew } from '@trikd/core/run/placement';
import type { RunEvent } from '@trikd/core/run/run-event';
import { firstState } from '@trikd/core/run/state';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type VirtualClock, virtualClock } from '@trikd/testing/clock/virtual-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { type BroadcastsPorts, createBroadcasts } from './broadcasts.js';
import { cachedPages, openPages, readPages } from './event-pages.js';

const never = new AbortController().signal;
const date = new Date('2026-01-02T03:04:05.000Z');
const drained = (step: number): RunEvent => ({ kind: 'drained', stage: 0, step });
const spec = specFor('tiny', { name: 'r' });
const run = { spec, state: firstState, times: { changed: {} }, placement: placementOfNew() };

const progress = (participant: 'teacher' | 'student', nextStep: number): RunEvent => ({
  ...{ kind: 'progress', participant, stage: 0, totalSteps: 100 },
  progress: {
    nextStep,
    stepsPerSecond: 1,
    terms: [],
    batchMetrics: { accuracy: 0 },
    gradientNorm: 0,
    learningRate: 0,
    waits: {},
  },
});

/** The broadcasts of one process. */
function broadcastsOver(store: ObjectStore, clock: VirtualClock = virtualClock()) {
  const failures: unknown[] = [];
  const ports: BroadcastsPorts = {
    date: () => date,
    clock,
    openFile: () => ({ write: () => undefined, close: async () => undefined }),
    openPages: (runId, readPage) =>
      openPages(runId, { store, clock, readPage, failed: (error) => failures.push(error) }),
  };
  const broadcasts = createBroadcasts(ports, cachedPages(store));
  return { ...broadcasts, failures, clock };
}

async function all(messages: AsyncIterable<WatchRunResponse>): Promise<readonly WatchRunResponse[]> {
  const read: WatchRunResponse[] = [];
  for await (const message of messages) read.push(message);
  return read;
}
const steps = (messages: readonly WatchRunResponse[]) =>
  messages.map(({ event }) => (event?.$case === 'drained' ? event.value.step : event?.$case));

describe('a broadcast', () => {
  test('gives every follower the same messages, numbered and dated, from the number that it wants', async () => {
    const broadcasts = broadcastsOver(memoryStore());
    const broadcast = await broadcasts.open(run, 3);
    const first = all(broadcast.follow(0, never));
    for (const step of [1, 2, 3]) broadcast.emit(drained(step));
    const second = all(broadcast.follow(3 * 2 ** 32 + 2, never));
    await broadcasts.end('r');
    const [received, receivedLater] = await Promise.all([first, second]);
    expect(steps(received)).toEqual([1, 2, 3]);
    expect(received.map(({ number }) => number - 3 * 2 ** 32)).toEqual([1, 2, 3]);
    expect(received[0]?.time).toEqual(date);
    expect(receivedLater[0]).toBe(received[1]);
    expect(receivedLater).toHaveLength(2);
  });

  test('says to a follower that is far behind which events are lost, and keeps none in memory for it', async () => {
    const broadcasts = broadcastsOver(memoryStore());
    const broadcast = await broadcasts.open(run, 1);
    const slow = broadcast.follow(0, never)[Symbol.asyncIterator]();
    broadcast.emit(drained(0));
    expect((await slow.next()).value.event).toMatchObject({ $case: 'drained' });
    for (let step = 1; step <= 10_000; step += 1) broadcast.emit(drained(step));
    const { event } = (await slow.next()).value;
    expect(event).toMatchObject({ $case: 'missing', value: { fromEvent: 2 ** 32 + 2 } });
    const next = (await slow.next()).value;
    expect(next.number).toBe(event.value.firstKept);
    broadcast.end();
    let read = 1;
    while (!(await slow.next()).done) read += 1;
    expect(read).toBe(512);
    expect(next.number + read).toBe(2 ** 32 + 10_002);
  });

  test('gives a follower that is far behind all that the store has of it', async () => {
    const broadcasts = broadcastsOver(memoryStore());
    const broadcast = await broadcasts.open(run, 1);
    const slow = broadcast.follow(0, never)[Symbol.asyncIterator]();
    broadcast.emit(drained(0));
    const received: WatchRunResponse[] = [(await slow.next()).value];
    for (let step = 1; step <= 5000; step += 1) {
      broadcast.emit(drained(step));
      if (step % 512 === 0) await broadcasts.clock.advance(6000);
    }
    broadcast.end();
    for (let next = await slow.next(); !next.done; next = await slow.next()) received.push(next.value);
    expect(steps(received)).toEqual(Array.from({ length: 5001 }, (_, step) => step));
    expect(await all(broadcast.follow(2 ** 32 + 100, never))).toHaveLength(5001 - 99);
  });

  test('serves a crowd once a second, with the newest progress alone, so that it costs a run as little as few followers', async () => {
    const store = memoryStore();
    const broadcasts = broadcastsOver(store);
    const broadcast = await broadcasts.open(run, 1);
    const followers = Array.from({ length: 200 }, () => all(broadcast.follow(0, never)));
    for (let step = 1; step <= 50; step += 1) {
      for (const role of ['teacher', 'student'] as const) broadcast.emit(progress(role, step));
      if (step === 25) broadcast.emit(drained(step));
      if (step === 30) await broadcasts.clock.advance(1000);
    }
    await broadcasts.clock.advance(1000);
    await broadcasts.end('r');
    const [received, ...others] = await Promise.all(followers);
    const kinds = received!.map(({ event }) =>
      event?.$case === 'progress' ? event.value.progress?.nextStep : event?.$case,
    );
    expect(kinds).toEqual(['drained', 30, 30, 50, 50]);
    for (const other of others) expect(other).toEqual(received);
    expect(await all(readPages(store, 'r', 1))).toHaveLength(101);
  });

  test('ends with the failure for those who have read the rest, and for those who leave without one', async () => {
    const broadcasts = broadcastsOver(memoryStore());
    const broadcast = await broadcasts.open(run, 1);
    const leaving = new AbortController();
    const left = all(broadcast.follow(0, leaving.signal));
    broadcast.emit(drained(1));
    leaving.abort();
    expect(steps(await left).length).toBeLessThanOrEqual(1);
    const follower = broadcast.follow(1, never)[Symbol.asyncIterator]();
    await broadcasts.end('r', new Error('another leads'));
    expect(steps([(await follower.next()).value])).toEqual([1]);
    await expect(follower.next()).rejects.toThrow('another leads');
  });
});

describe('events', () => {
  test('are read by the next leader as they were emitted, and numbers rise across both', async () => {
    const store = memoryStore();
    const first = broadcastsOver(store);
    (await first.open(run, 1)).emit(drained(1));
    await first.end('r');
    const second = broadcastsOver(store);
    const broadcast = await second.open(run, 2);
    broadcast.emit(drained(2));
    broadcast.end();
    const received = await all(broadcast.follow(1, never));
    expect(steps(received)).toEqual([1, 2]);
    expect(received[0]?.time).toEqual(date);
    expect(received[1]!.number).toBeGreaterThan(received[0]!.number);
    expect(steps(await all(readPages(store, 'r', received[1]!.number)))).toEqual([]);
    await second.end('r');
    expect(steps(await all(readPages(store, 'r', received[1]!.number)))).toEqual([2]);
  });

  test('get no number twice in one term, though the broadcast ends and begins again', async () => {
    const broadcasts = broadcastsOver(memoryStore());
    (await broadcasts.open(run, 1)).emit(drained(1));
    await broadcasts.end('r');
    const again = await broadcasts.open(run, 1);
    again.emit(drained(2));
    expect(again.newest()).toBe(2 ** 32 + 2);
  });

  test('reach the store while a run goes on, and wait for a store that is away', async () => {
    const store = memoryStore();
    let away = true;
    const put: ObjectStore['put'] = async (key, bytes) => {
      if (away) throw new Error('away');
      return store.put(key, bytes);
    };
    const broadcasts = broadcastsOver({ ...store, put });
    const broadcast = await broadcasts.open(run, 1);
    broadcast.emit(drained(1));
    await broadcasts.clock.advance(6000);
    expect(broadcasts.failures).toHaveLength(1);
    away = false;
    broadcast.emit(drained(2));
    await broadcasts.clock.advance(6000);
    expect(steps(await all(readPages(store, 'r', 1)))).toEqual([1, 2]);
  });

  test('are removed, the oldest first, and a follower that asks for them gets a note', async () => {
    const store = memoryStore();
    const broadcasts = broadcastsOver(store);
    const broadcast = await broadcasts.open(run, 1);
    for (let step = 1; step <= 66 * 512; step += 1) {
      broadcast.emit(drained(step));
      if (step % 512 === 0) await broadcasts.clock.advance(6000);
    }
    await broadcasts.end('r');
    expect(await store.list('events/r/')).toHaveLength(64);
    const received = await all(readPages(store, 'r', 1));
    expect(received[0]).toMatchObject({ number: 0, event: { $case: 'missing', value: { fromEvent: 1 } } });
    expect(received).toHaveLength(1 + 64 * 512);
  });

  test('that cannot be read are passed over', async () => {
    const store = memoryStore();
    const broadcasts = broadcastsOver(store);
    (await broadcasts.open(run, 1)).emit(drained(1));
    await broadcasts.end('r');
    const [key] = await store.list('events/r/');
    const { bytes } = (await store.get(key!))!;
    await store.put(key!, Buffer.concat([Buffer.from('{"number":"x\n'), bytes]));
    expect(steps(await all(readPages(store, 'r', 1)))).toEqual([1]);
  });
});
