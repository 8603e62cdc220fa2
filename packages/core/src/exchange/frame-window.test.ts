import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { Role } from '../domain/position.js';
import type { LogitsFrame } from './frame.js';
import { createFrameWindow, type FrameWindow } from './frame-window.js';

const attempt = { runId: 'r', stage: 2, attempt: 1 };

function frameOf(step: number): LogitsFrame {
  return {
    position: { ...attempt, step },
    batchDigest: 'ab',
    logits: { rows: 1, cols: 2, data: Float32Array.of(step, -step) },
  };
}

const windowOf = (size: number, consumers: readonly Role[] = ['student'], firstStep = 0) =>
  createFrameWindow({ attempt, firstStep, size, consumers });

/** Everything that waits on promises alone has moved as far as it can. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

async function take(frames: AsyncGenerator<LogitsFrame, void>, count: number): Promise<number[]> {
  const steps: number[] = [];
  while (steps.length < count) {
    const { value } = await frames.next();
    if (!value) break;
    steps.push(value.position.step);
  }
  return steps;
}

async function publishAll(window: FrameWindow, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) await window.publish(frameOf(step));
}

describe('a frame window', () => {
  test('lets the producer run the window ahead of a consumer that has not come, and no further', async () => {
    const window = windowOf(4);
    const producer = publishAll(window, 0, 6);
    await settled();
    expect(window.nextStep).toBe(4);
    expect(await take(window.frames('student', 0), 6)).toEqual([0, 1, 2, 3, 4, 5]);
    await producer;
  });

  test('waits for the slowest of two consumers', async () => {
    const window = windowOf(2, ['teacher', 'student']);
    const producer = publishAll(window, 0, 5);
    const fast = take(window.frames('teacher', 0), 5);
    await settled();
    expect(window.nextStep).toBe(2);
    const slow = window.frames('student', 0);
    await take(slow, 1);
    await settled();
    expect(window.nextStep).toBe(3);
    await take(slow, 4);
    await producer;
    expect(await fast).toEqual([0, 1, 2, 3, 4]);
  });

  test('gives the same frames again to a consumer that comes back', async () => {
    const window = windowOf(3);
    const producer = publishAll(window, 0, 5);
    const first = window.frames('student', 0);
    await take(first, 4);
    await settled();
    await first.return();
    const again = window.frames('student', 2);
    const { value } = await again.next();
    expect(value).toEqual(frameOf(2));
    expect(await take(again, 2)).toEqual([3, 4]);
    await producer;
  });

  test('refuses a step that has left the window, with both numbers', async () => {
    const window = windowOf(2, []);
    await publishAll(window, 0, 5);
    await expect(window.frames('student', 1).next()).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'student asked for step 1, the oldest retained is 3',
    });
  });

  test('ends the earlier stream of a consumer that came twice', async () => {
    const window = windowOf(2);
    const earlier = window.frames('student', 0).next();
    const later = window.frames('student', 0).next();
    await window.publish(frameOf(0));
    await expect(earlier).rejects.toMatchObject({ kind: 'out-of-step' });
    expect((await later).value).toEqual(frameOf(0));
  });

  test('delivers what is left after it was closed without an error, then ends', async () => {
    const window = windowOf(4);
    await publishAll(window, 0, 2);
    window.close();
    expect(await take(window.frames('student', 1), 9)).toEqual([1]);
    await expect(window.publish(frameOf(2))).rejects.toMatchObject({ kind: 'wrong-state' });
  });

  test('gives the error it was closed with to producer and consumer', async () => {
    const window = windowOf(2, ['teacher', 'student']);
    const consumer = window.frames('student', 9);
    const waiting = consumer.next();
    await publishAll(window, 0, 2);
    const producer = window.publish(frameOf(2));
    window.close(new TrikdError('diverged', 'the loss is NaN at step 2'));
    await expect(producer).rejects.toMatchObject({ kind: 'diverged' });
    await expect(waiting).rejects.toMatchObject({ kind: 'diverged' });
  });

  test('lets go of a waiting consumer when its signal aborts', async () => {
    const left = new AbortController();
    const waiting = windowOf(2).frames('student', 0, left.signal).next();
    left.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test('refuses a frame of another step or attempt', async () => {
    const window = windowOf(2);
    await expect(window.publish(frameOf(1))).rejects.toMatchObject({ kind: 'out-of-step' });
    const zombie = { ...frameOf(0), position: { ...attempt, attempt: 2, step: 0 } };
    await expect(window.publish(zombie)).rejects.toMatchObject({ kind: 'out-of-step' });
  });

  test('never blocks two trainers in lockstep, with a window of one and lost connections', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), async (losses) => {
        const windows = { teacher: windowOf(1, ['student']), student: windowOf(1, ['teacher']) };
        const train = async (role: 'teacher' | 'student', peer: 'teacher' | 'student') => {
          let heard = windows[peer].frames(role, 0);
          for (const [step, lost] of losses.entries()) {
            await windows[role].publish(frameOf(step));
            expect(await take(heard, 1)).toEqual([step]);
            // Lost on the way: taken from the window, never received, asked for again.
            if (lost) {
              heard = windows[peer].frames(role, step);
              await take(heard, 1);
            }
          }
        };
        await Promise.all([train('teacher', 'student'), train('student', 'teacher')]);
      }),
      { numRuns: 50 },
    );
  });

  test('delivers every step once and in order whatever the interleaving, and never holds more than its size', async () => {
    const command = fc.oneof(
      fc.constant({ kind: 'publish' as const }),
      fc.record({ kind: fc.constant('take' as const), who: fc.constantFrom('teacher' as const, 'student' as const) }),
      fc.record({
        kind: fc.constant('reconnect' as const),
        who: fc.constantFrom('teacher' as const, 'student' as const),
        back: fc.nat(4),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 5 }), fc.array(command, { maxLength: 60 }), async (size, commands) => {
        const window = windowOf(size, ['teacher', 'student']);
        const heard = { teacher: 0, student: 0 };
        const streams = { teacher: window.frames('teacher', 0), student: window.frames('student', 0) };
        const behind = () => Math.min(heard.teacher, heard.student);
        for (const one of commands) {
          // Only what can go on at once: the window itself says so, and its claim is what is tested.
          if (one.kind === 'publish' && window.nextStep < behind() + size)
            await window.publish(frameOf(window.nextStep));
          if (one.kind === 'take' && heard[one.who] < window.nextStep) {
            expect(await take(streams[one.who], 1)).toEqual([heard[one.who]]);
            heard[one.who] += 1;
          }
          if (one.kind === 'reconnect') {
            heard[one.who] = Math.max(window.oldestStep, heard[one.who] - one.back);
            streams[one.who] = window.frames(one.who, heard[one.who]);
            if (heard[one.who] < window.nextStep) {
              expect(await take(streams[one.who], 1)).toEqual([heard[one.who]]);
              heard[one.who] += 1;
            }
          }
          expect(window.nextStep - window.oldestStep).toBeLessThanOrEqual(size);
          expect(window.nextStep - behind()).toBeLessThanOrEqual(size);
        }
      }),
    );
  });
});
