import { TrikdError } from '@trikd/core/domain/errors';
import type { StallCause } from '@trikd/core/training/trainer-event';
import type { WatchedEvent } from '@trikd/protocol/convert-trainer';
import { describe, expect, test } from 'vitest';
import { createEventLog, type EventLog, PROGRESS_INTERVAL_MS } from './event-log.js';

const progress = (nextStep: number): WatchedEvent => ({
  kind: 'progress',
  progress: { nextStep, terms: [], batchAccuracy: 0, gradientNorm: 0, learningRate: 0, stepsPerSecond: 0, waits: {} },
});
const resting = (nextStep: number): WatchedEvent => ({ kind: 'resting', nextStep });

function nameOf(event: WatchedEvent): string {
  switch (event.kind) {
    case 'progress':
      return `progress ${event.progress.nextStep}`;
    case 'resting':
      return `resting ${event.nextStep}`;
    case 'stalled':
      return `${event.on}: ${event.reason}`;
    case 'went-on':
      return `${event.on} went on`;
    default:
      return event.kind;
  }
}

function logAt(time: { ms: number }): EventLog {
  return createEventLog({ now: () => time.ms });
}

/** What a watcher gets at once: number and name. */
async function readable(log: EventLog, from: number): Promise<string[]> {
  const left = new AbortController();
  const found: string[] = [];
  const reading = (async () => {
    for await (const { number, event } of log.read(from, left.signal)) found.push(`${number} ${nameOf(event)}`);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  left.abort();
  await reading;
  return found;
}

describe('an event log', () => {
  test('replays from any number', async () => {
    const log = logAt({ ms: 0 });
    for (const step of [1, 2, 3]) log.append(resting(step));
    expect(await readable(log, 0)).toEqual(['0 resting 1', '1 resting 2', '2 resting 3']);
    expect(await readable(log, 2)).toEqual(['2 resting 3']);
    expect(await readable(log, 3)).toEqual([]);
  });

  test('keeps the newest progress alone, and lets no more through than one in its interval', async () => {
    const time = { ms: 0 };
    const log = logAt(time);
    for (let step = 1; step <= 10; step++) log.append(progress(step));
    expect(await readable(log, 0)).toEqual(['0 progress 1']);
    time.ms += PROGRESS_INTERVAL_MS;
    log.append(progress(11));
    expect(await readable(log, 0)).toEqual(['1 progress 11']);
  });

  test('lets progress that was held back go before any other event', async () => {
    const log = logAt({ ms: 0 });
    for (const step of [1, 2, 3]) log.append(progress(step));
    log.append(resting(3));
    expect(await readable(log, 0)).toEqual(['1 progress 3', '2 resting 3']);
  });

  test('keeps of what is waited for only how it stands, each cause by itself', async () => {
    const log = logAt({ ms: 0 });
    const stalled = (on: StallCause, reason: string) => log.append({ kind: 'stalled', on, reason });
    stalled('store', 'the store is away');
    stalled('anchor', 'waiting for step 3');
    stalled('store', 'access denied');
    log.append(resting(3));
    expect(await readable(log, 0)).toEqual(['1 anchor: waiting for step 3', '2 store: access denied', '3 resting 3']);
    log.append({ kind: 'went-on', on: 'store' });
    expect(await readable(log, 0)).toEqual(['1 anchor: waiting for step 3', '3 resting 3', '4 store went on']);
  });

  test('gives one who wants the past alone no more than that', async () => {
    const log = logAt({ ms: 0 });
    log.append(resting(1));
    const found: number[] = [];
    for await (const { number } of log.read(0, new AbortController().signal, true)) found.push(number);
    expect(found).toEqual([0]);
  });

  test('has told when the slowest reader comes back for more, or leaves', async () => {
    const log = logAt({ ms: 0 });
    const reading = log.read(0, new AbortController().signal);
    const first = reading.next();
    log.append(resting(1));
    await first;
    let told = false;
    const telling = log.told().then(() => {
      told = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([told, log.isRead()]).toEqual([false, true]);
    const second = reading.next();
    await telling;
    log.append(resting(2));
    await second;
    const left = log.told();
    await reading.return();
    await left;
    expect(log.isRead()).toBe(false);
  });

  test('gives a watcher what comes while it watches', async () => {
    const log = logAt({ ms: 0 });
    const reading = log.read(0, new AbortController().signal);
    const first = reading.next();
    log.append(resting(1));
    expect((await first).value).toMatchObject({ number: 0 });
    await reading.return();
  });

  test('ends with its error after everything was read', async () => {
    const log = logAt({ ms: 0 });
    log.append(resting(1));
    log.close(new TrikdError('out-of-step', 'superseded'));
    const reading = log.read(0, new AbortController().signal);
    expect((await reading.next()).value).toMatchObject({ number: 0 });
    await expect(reading.next()).rejects.toMatchObject({ kind: 'out-of-step' });
  });
});
