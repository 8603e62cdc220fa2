import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type VirtualClock, virtualClock } from '@trikd/testing/clock/virtual-clock';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import type { RunNews } from '../runs/ports.js';
import { openPages, readPages } from './event-pages.js';
import { createStories } from './stories.js';

const never = new AbortController().signal;
const date = new Date('2026-01-02T03:04:05.000Z');
const news = (step: number): RunNews => ({ kind: 'drained', generation: 0, step });

const progress = (role: 'teacher' | 'student', nextStep: number): RunNews => ({
  ...{ kind: 'progress', role, generation: 0, totalSteps: 100 },
  progress: { nextStep, stepsPerSecond: 1, terms: [], batchAccuracy: 0, gradientNorm: 0, learningRate: 0, waits: {} },
});

/** The stories of one process. */
function storiesOver(store: ObjectStore, clock: VirtualClock = virtualClock()) {
  const failures: unknown[] = [];
  const stories = createStories({
    date: () => date,
    clock,
    openLog: () => ({ write: () => undefined, close: async () => undefined }),
    openPages: (runId) => openPages(runId, { store, clock, failed: (error) => failures.push(error) }),
  });
  return { ...stories, failures, clock };
}

async function all(messages: AsyncIterable<WatchRunResponse>): Promise<readonly WatchRunResponse[]> {
  const read: WatchRunResponse[] = [];
  for await (const message of messages) read.push(message);
  return read;
}
const steps = (messages: readonly WatchRunResponse[]) =>
  messages.map(({ event }) => (event?.$case === 'drained' ? event.value.step : event?.$case));

describe('a story', () => {
  test('gives every follower the same messages, numbered and dated, from the number that it wants', async () => {
    const stories = storiesOver(memoryStore());
    const story = await stories.open('r', 3);
    const first = all(story.follow(0, never));
    for (const step of [1, 2, 3]) story.tell(news(step));
    const second = all(story.follow(3 * 2 ** 32 + 2, never));
    await stories.end('r');
    const [heard, heardLater] = await Promise.all([first, second]);
    expect(steps(heard)).toEqual([1, 2, 3]);
    expect(heard.map(({ number }) => number - 3 * 2 ** 32)).toEqual([1, 2, 3]);
    expect(heard[0]?.time).toEqual(date);
    expect(heardLater[0]).toBe(heard[1]);
    expect(heardLater).toHaveLength(2);
  });

  test('tells a follower that is far behind what it has missed that is not stored yet, and costs no memory for it', async () => {
    const stories = storiesOver(memoryStore());
    const story = await stories.open('r', 1);
    const slow = story.follow(0, never)[Symbol.asyncIterator]();
    story.tell(news(0));
    expect((await slow.next()).value.event).toMatchObject({ $case: 'drained' });
    for (let step = 1; step <= 10_000; step += 1) story.tell(news(step));
    const { event } = (await slow.next()).value;
    expect(event).toMatchObject({ $case: 'missing', value: { fromEvent: 2 ** 32 + 2 } });
    const next = (await slow.next()).value;
    expect(next.number).toBe(event.value.firstKept);
    story.end();
    let read = 1;
    while (!(await slow.next()).done) read += 1;
    expect(read).toBe(512);
    expect(next.number + read).toBe(2 ** 32 + 10_002);
  });

  test('gives a follower that is far behind all that the store has of it', async () => {
    const stories = storiesOver(memoryStore());
    const story = await stories.open('r', 1);
    const slow = story.follow(0, never)[Symbol.asyncIterator]();
    story.tell(news(0));
    const heard: WatchRunResponse[] = [(await slow.next()).value];
    for (let step = 1; step <= 5000; step += 1) {
      story.tell(news(step));
      if (step % 512 === 0) await stories.clock.advance(6000);
    }
    story.end();
    for (let next = await slow.next(); !next.done; next = await slow.next()) heard.push(next.value);
    expect(steps(heard)).toEqual(Array.from({ length: 5001 }, (_, step) => step));
    expect(await all(story.follow(2 ** 32 + 100, never))).toHaveLength(5001 - 99);
  });

  test('tells many followers once a second, and of progress the newest, so that they cost a run the same as few', async () => {
    const store = memoryStore();
    const stories = storiesOver(store);
    const story = await stories.open('r', 1);
    const followers = Array.from({ length: 200 }, () => all(story.follow(0, never)));
    for (let step = 1; step <= 50; step += 1) {
      for (const role of ['teacher', 'student'] as const) story.tell(progress(role, step));
      if (step === 25) story.tell(news(step));
      if (step === 30) await stories.clock.advance(1000);
    }
    await stories.clock.advance(1000);
    await stories.end('r');
    const [heard, ...others] = await Promise.all(followers);
    const told = heard!.map(({ event }) =>
      event?.$case === 'progress' ? event.value.progress?.nextStep : event?.$case,
    );
    expect(told).toEqual(['drained', 30, 30, 50, 50]);
    for (const other of others) expect(other).toEqual(heard);
    expect(await all(readPages(store, 'r', 1))).toHaveLength(101);
  });

  test('ends with the failure for those who have read the rest, and for those who leave without one', async () => {
    const stories = storiesOver(memoryStore());
    const story = await stories.open('r', 1);
    const leaving = new AbortController();
    const left = all(story.follow(0, leaving.signal));
    story.tell(news(1));
    leaving.abort();
    expect(steps(await left).length).toBeLessThanOrEqual(1);
    const follower = story.follow(1, never)[Symbol.asyncIterator]();
    await stories.end('r', new Error('another leads'));
    expect(steps([(await follower.next()).value])).toEqual([1]);
    await expect(follower.next()).rejects.toThrow('another leads');
  });
});

describe('events', () => {
  test('are read by the next leader as they were told, and numbers rise across them', async () => {
    const store = memoryStore();
    const first = storiesOver(store);
    (await first.open('r', 1)).tell(news(1));
    await first.end('r');
    const second = storiesOver(store);
    const story = await second.open('r', 2);
    story.tell(news(2));
    story.end();
    const heard = await all(story.follow(1, never));
    expect(steps(heard)).toEqual([1, 2]);
    expect(heard[0]?.time).toEqual(date);
    expect(heard[1]!.number).toBeGreaterThan(heard[0]!.number);
    expect(steps(await all(readPages(store, 'r', heard[1]!.number)))).toEqual([]);
    await second.end('r');
    expect(steps(await all(readPages(store, 'r', heard[1]!.number)))).toEqual([2]);
  });

  test('get no number twice in one term, though the story is ended and begun again', async () => {
    const stories = storiesOver(memoryStore());
    (await stories.open('r', 1)).tell(news(1));
    await stories.end('r');
    const again = await stories.open('r', 1);
    again.tell(news(2));
    expect(again.newest()).toBe(2 ** 32 + 2);
  });

  test('reach the store while a run goes on, and wait for a store that is away', async () => {
    const store = memoryStore();
    let away = true;
    const put: ObjectStore['put'] = async (key, bytes) => {
      if (away) throw new Error('away');
      return store.put(key, bytes);
    };
    const stories = storiesOver({ ...store, put });
    const story = await stories.open('r', 1);
    story.tell(news(1));
    await stories.clock.advance(6000);
    expect(stories.failures).toHaveLength(1);
    away = false;
    story.tell(news(2));
    await stories.clock.advance(6000);
    expect(steps(await all(readPages(store, 'r', 1)))).toEqual([1, 2]);
  });

  test('are let go of, the oldest first, and whoever asks for them is told', async () => {
    const store = memoryStore();
    const stories = storiesOver(store);
    const story = await stories.open('r', 1);
    for (let step = 1; step <= 66 * 512; step += 1) {
      story.tell(news(step));
      if (step % 512 === 0) await stories.clock.advance(6000);
    }
    await stories.end('r');
    expect(await store.list('events/r/')).toHaveLength(64);
    const heard = await all(readPages(store, 'r', 1));
    expect(heard[0]).toMatchObject({ number: 0, event: { $case: 'missing', value: { fromEvent: 1 } } });
    expect(heard).toHaveLength(1 + 64 * 512);
  });

  test('that cannot be read are passed over', async () => {
    const store = memoryStore();
    const stories = storiesOver(store);
    (await stories.open('r', 1)).tell(news(1));
    await stories.end('r');
    const [key] = await store.list('events/r/');
    const { bytes } = (await store.get(key!))!;
    await store.put(key!, Buffer.concat([Buffer.from('{"number":"x\n'), bytes]));
    expect(steps(await all(readPages(store, 'r', 1)))).toEqual([1]);
  });
});
