import { TrikdError } from '@trikd/core/domain/errors';
import type { StallCause, TrainerEvent } from '@trikd/core/training/ports';
import { describe, expect, test } from 'vitest';
import { type AttemptEvents, createAttemptEvents, PROGRESS_INTERVAL_MS } from './attempt-events.js';

const progress = (nextStep: number): TrainerEvent => ({
  kind: 'progress',
  progress: {
    nextStep,
    terms: [],
    batchMetrics: { accuracy: 0 },
    gradientNorm: 0,
    learningRate: 0,
    stepsPerSecond: 0,
    waits: {},
  },
});
const resting = (nextStep: number): TrainerEvent => ({ kind: 'resting', nextStep });

function nameOf(event: TrainerEvent): string {
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

function eventsAt(time: { ms: number }): AttemptEvents {
  return createAttemptEvents({ now: () => time.ms });
}

/** What a reader receives at once: number and name. */
async function readable(events: AttemptEvents, from: number): Promise<string[]> {
  const left = new AbortController();
  const found: string[] = [];
  const reading = (async () => {
    for await (const { number, event } of events.read(from, left.signal)) found.push(`${number} ${nameOf(event)}`);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  left.abort();
  await reading;
  return found;
}

describe('events of an attempt', () => {
  test('are replayed from any number', async () => {
    const events = eventsAt({ ms: 0 });
    for (const step of [1, 2, 3]) events.emit(resting(step));
    expect(await readable(events, 0)).toEqual(['0 resting 1', '1 resting 2', '2 resting 3']);
    expect(await readable(events, 2)).toEqual(['2 resting 3']);
    expect(await readable(events, 3)).toEqual([]);
  });

  test('include the newest progress alone, emitted at most once in its interval', async () => {
    const time = { ms: 0 };
    const events = eventsAt(time);
    for (let step = 1; step <= 10; step++) events.emit(progress(step));
    expect(await readable(events, 0)).toEqual(['0 progress 1']);
    time.ms += PROGRESS_INTERVAL_MS;
    events.emit(progress(11));
    expect(await readable(events, 0)).toEqual(['1 progress 11']);
  });

  test('include progress that was held back before any other event', async () => {
    const events = eventsAt({ ms: 0 });
    for (const step of [1, 2, 3]) events.emit(progress(step));
    events.emit(resting(3));
    expect(await readable(events, 0)).toEqual(['1 progress 3', '2 resting 3']);
  });

  test('include only the current state of a stall, for each cause', async () => {
    const events = eventsAt({ ms: 0 });
    const stalled = (on: StallCause, reason: string) => events.emit({ kind: 'stalled', on, reason });
    stalled('store', 'the store is away');
    stalled('anchor', 'waiting for step 3');
    stalled('store', 'access denied');
    events.emit(resting(3));
    expect(await readable(events, 0)).toEqual([
      '1 anchor: waiting for step 3',
      '2 store: access denied',
      '3 resting 3',
    ]);
    events.emit({ kind: 'went-on', on: 'store' });
    expect(await readable(events, 0)).toEqual(['1 anchor: waiting for step 3', '3 resting 3', '4 store went on']);
  });

  test('end for a reader of past events with the last one emitted', async () => {
    const events = eventsAt({ ms: 0 });
    events.emit(resting(1));
    const found: number[] = [];
    for await (const { number } of events.read(0, new AbortController().signal, true)) found.push(number);
    expect(found).toEqual([0]);
  });

  test('are delivered when the slowest reader asks for more, or leaves', async () => {
    const events = eventsAt({ ms: 0 });
    const reading = events.read(0, new AbortController().signal);
    const first = reading.next();
    events.emit(resting(1));
    await first;
    let delivered = false;
    const delivering = events.delivered().then(() => {
      delivered = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([delivered, events.hasReaders()]).toEqual([false, true]);
    const second = reading.next();
    await delivering;
    events.emit(resting(2));
    await second;
    const left = events.delivered();
    await reading.return();
    await left;
    expect(events.hasReaders()).toBe(false);
  });

  test('reach a reader that waits for them', async () => {
    const events = eventsAt({ ms: 0 });
    const reading = events.read(0, new AbortController().signal);
    const first = reading.next();
    events.emit(resting(1));
    expect((await first).value).toMatchObject({ number: 0 });
    await reading.return();
  });

  test('end with the error after all have been read', async () => {
    const events = eventsAt({ ms: 0 });
    events.emit(resting(1));
    events.close(new TrikdError('out-of-step', 'superseded'));
    const reading = events.read(0, new AbortController().signal);
    expect((await reading.next()).value).toMatchObject({ number: 0 });
    await expect(reading.next()).rejects.toMatchObject({ kind: 'out-of-step' });
  });
});
