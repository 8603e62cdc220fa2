import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { LogitsFrame } from './frame.js';
import { type FrameWait, type SubscribeOptions, type Subscription, subscribe } from './subscribe.js';

const attempt = { runId: 'r', stage: 3, attempt: 1 };
const agreement = { specDigest: 'aa', datasetDigest: 'bb', classes: 10, batchSize: 16, seed: 1 };
const lost = new TrikdError('unavailable', 'connection reset');

function frame(step: number): LogitsFrame {
  return {
    position: { ...attempt, step },
    batchDigest: 'cc',
    logits: { rows: 1, cols: 1, data: Float32Array.of(step) },
  };
}

/** What a producer does when it is dialled: frames, and then it fails, ends, or says nothing more. */
type Answer = readonly [frames: readonly number[], end: Error | 'ends' | 'says nothing'];

/** A subscription to a producer that answers the first stream with the first answer, and so on; the last again and again. */
function listen(answers: readonly Answer[], options: Partial<SubscribeOptions> = {}, connected = true) {
  const clock = virtualClock();
  const asked: number[] = [];
  let closed = false;
  async function* stream({ from }: Subscription, signal: AbortSignal): AsyncGenerator<LogitsFrame, void> {
    const [steps, end] = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(from.step);
    for (const step of steps) yield frame(step);
    if (end instanceof Error) throw end;
    if (end === 'ends') return;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cancelled'))));
  }
  const close = () => {
    closed = true;
  };
  const frames = subscribe({
    producer: 'teacher',
    server: 'teacher',
    address: 'there:1',
    dial: () => ({ stream, connected: () => connected, close }),
    consumer: 'student',
    from: { ...attempt, step: 0 },
    agreement,
    secret: SECRET,
    stepTimeoutSeconds: 20,
    signal: new AbortController().signal,
    clock,
    random: () => 1,
    ...options,
  });
  const steps = async (count: number) => {
    const heard: number[] = [];
    while (heard.length < count) heard.push((await frames.next()).value!.position.step);
    return heard;
  };
  return { frames, clock, asked, steps, closed: () => closed };
}

describe('a subscription', () => {
  test('asks again from the first step that was not received, and gives each step once', async () => {
    const { steps, clock, asked } = listen([
      [[0, 1, 2], lost],
      [[], lost],
      [[3, 4], 'says nothing'],
    ]);
    const heard = steps(5);
    await clock.advance(50 + 100);
    expect(await heard).toEqual([0, 1, 2, 3, 4]);
    expect(asked).toEqual([0, 3, 3]);
  });

  test('drops what comes again and refuses a gap', async () => {
    const { steps, frames } = listen([[[0, 1, 0, 1, 2, 4], 'says nothing']]);
    expect(await steps(3)).toEqual([0, 1, 2]);
    await expect(frames.next()).rejects.toMatchObject({ kind: 'out-of-step', message: 'expected step 3, got 4' });
  });

  test('ends with what the producer refuses', async () => {
    const refusal = new TrikdError('out-of-step', 'serving stage 3, asked for 9');
    const { frames, asked, closed } = listen([[[], refusal]]);
    await expect(frames.next()).rejects.toBe(refusal);
    expect(asked).toEqual([0]);
    expect(closed()).toBe(true);
  });

  test.each(['diverged', 'corrupt', 'invalid', 'forbidden'] as const)(
    'does not take the word of a producer that the run is beyond retry: %s',
    async (kind) => {
      const { frames } = listen([[[], new TrikdError(kind, 'the loss is NaN')]]);
      await expect(frames.next()).rejects.toMatchObject({
        kind: 'out-of-step',
        message: 'the loss is NaN',
        details: { kind },
      });
    },
  );

  test('ends in time although old frames keep coming', async () => {
    const clock = virtualClock();
    async function* old(_asked: Subscription, signal: AbortSignal) {
      yield frame(0);
      while (!signal.aborted) {
        await clock.sleep(1000, signal);
        yield frame(0);
      }
    }
    const dial = () => ({ stream: old, connected: () => true, close: () => undefined });
    const { frames, steps } = listen([], { clock, dial });
    await steps(1);
    const waiting = expect(frames.next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'the student has waited 20 s for step 1 of the teacher at there:1',
    });
    for (let second = 0; second < 20; second++) await clock.advance(1000);
    await waiting;
  });

  test('asks again from the step it waits for, whatever old frames came before', async () => {
    const { steps, clock, asked } = listen([
      [[0, 1, 2, 0], lost],
      [[3], 'says nothing'],
    ]);
    const heard = steps(4);
    await clock.advance(50);
    expect(await heard).toEqual([0, 1, 2, 3]);
    expect(asked).toEqual([0, 3]);
  });

  test('takes an early end for an error', async () => {
    const { steps, frames } = listen([[[0], 'ends']]);
    await steps(1);
    await expect(frames.next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'the teacher at there:1 ended its stream before step 1',
    });
  });

  test('limits the wait for one frame across reconnects, and names the frame', async () => {
    const { steps, frames, clock } = listen([
      [[0], lost],
      [[], 'says nothing'],
    ]);
    await steps(1);
    await clock.advance(15_000);
    const waiting = expect(frames.next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'the student has waited 20 s for step 1 of the teacher at there:1',
      details: { step: 1, seconds: 20, trouble: 'connection reset' },
    });
    await clock.advance(19_999);
    await clock.advance(1);
    await waiting;
  });

  test('reports a wait once per frame, at half of its timeout', async () => {
    const waits: FrameWait[] = [];
    const answers: Answer[] = [
      [[0], lost],
      [[1], 'says nothing'],
    ];
    const { steps, frames, clock } = listen(answers, { slow: (wait) => waits.push(wait) });
    await steps(1);
    const second = steps(1);
    await clock.advance(9000);
    await second;
    expect(waits).toEqual([]);
    const third = frames.next().catch((error: unknown) => error);
    await clock.advance(9999);
    expect(waits).toEqual([]);
    await clock.advance(1);
    await clock.advance(9999);
    const wait = { consumer: 'student', producer: 'teacher', address: 'there:1', step: 2, seconds: 10 };
    expect(waits).toEqual([wait]);
    await clock.advance(1);
    expect(await third).toMatchObject({ details: { step: 2, seconds: 20 } });
  });

  test('counts from when the frame was asked for, not from the frame before', async () => {
    const { steps, frames, clock, asked } = listen([[[0], 'says nothing']]);
    await steps(1);
    await clock.advance(60_000);
    let ended = false;
    const waiting = frames.next().catch((error: unknown) => {
      ended = true;
      return error;
    });
    await clock.advance(19_999);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(await waiting).toMatchObject({
      message: 'the student has waited 20 s for step 1 of the teacher at there:1',
    });
    expect(asked).toEqual([0]);
  });

  test('gives up sooner on a producer that never answered', async () => {
    const { frames, clock } = listen([[[], lost]], { connectTimeoutSeconds: 3 }, false);
    const waiting = expect(frames.next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'the teacher at there:1 did not answer for 3 s; the log of the student says why',
      details: { trouble: 'connection reset' },
    });
    await clock.advance(3000);
    await waiting;
  });

  test('ends with the reason of its signal', async () => {
    const left = new AbortController();
    const { frames, closed } = listen([[[], 'says nothing']], { signal: left.signal });
    const waiting = frames.next();
    left.abort(new Error('superseded'));
    await expect(waiting).rejects.toThrow('superseded');
    expect(closed()).toBe(true);
  });
});
