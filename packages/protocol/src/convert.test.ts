import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromFrame, fromSubscription, toFrame, toRole, toSubscription } from './convert.js';
import { fromTrainerEvent, toTrainerEvent } from './convert-trainer.js';
import { StreamLogitsRequest, StreamLogitsResponse } from './gen/node/trikd/v1/exchange.js';
import { WatchTrainerResponse } from './gen/node/trikd/v1/trainer.js';

const position = { runId: 'r', generation: 1, attempt: 2, step: 3 };
const score = { metrics: { accuracy: 0.5, nll: 1.25 }, examples: 64 };
const blob = { key: 'a/b', sha256: 'ff', bytes: 2 ** 40 };

const overTheWire = (frame: LogitsFrame) =>
  toFrame(StreamLogitsResponse.decode(StreamLogitsResponse.encode({ frame: fromFrame(frame) }).finish()).frame);

describe('frames', () => {
  test('arrive as they were sent, bit for bit, whatever their size', () => {
    const bits = fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 3000 });
    const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    fc.assert(
      fc.property(bits, digest, (values, batchDigest) => {
        const data = Float32Array.from(values);
        const frame = {
          position,
          batchDigest,
          logits: { rows: 1, cols: data.length, data },
          traceparent: '00-aa-bb-01',
        };
        expect(overTheWire(frame)).toEqual(frame);
      }),
      { numRuns: 30 },
    );
  });

  test('are copied when their bytes are not aligned, and only then', () => {
    const pool = Buffer.alloc(20);
    pool.writeFloatLE(1.5, 4);
    pool.writeFloatLE(2.5, 9);
    const message = fromFrame({ position, batchDigest: '', logits: { rows: 1, cols: 1, data: new Float32Array(1) } });
    const aligned = toFrame({ ...message, data: pool.subarray(4, 8) }).logits.data;
    const moved = toFrame({ ...message, data: pool.subarray(9, 13) }).logits.data;
    expect([...aligned, ...moved]).toEqual([1.5, 2.5]);
    expect(aligned.buffer).toBe(pool.buffer);
    expect(moved.buffer).not.toBe(pool.buffer);
  });

  test('with bytes that do not fill their shape are refused', () => {
    const message = fromFrame({ position, batchDigest: '', logits: { rows: 2, cols: 2, data: new Float32Array(4) } });
    expect(() => toFrame({ ...message, rows: 3 })).toThrow('a frame of 3x2 float32 has 24 bytes, got 16 of type 1');
    expect(() => toFrame({ ...message, rows: 0, data: Buffer.alloc(0) })).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    );
    expect(() => toFrame(undefined)).toThrow('the message lacks its frame');
  });
});

describe('messages', () => {
  test('keep a subscription as it was', () => {
    const agreement = { specDigest: 'aa', datasetDigest: 'bb', classes: 10, batchSize: 128, seed: 0xffffffff };
    const asked = { consumer: 'teacher' as const, producer: 'student', from: position, agreement, secret: SECRET };
    const bytes = StreamLogitsRequest.encode(fromSubscription(asked)).finish();
    expect(toSubscription(StreamLogitsRequest.decode(bytes))).toEqual(asked);
  });

  test('refuse a role that is none', () => {
    expect(() => toRole(0)).toThrow('role 0 is none of anchor, teacher and student');
  });

  test.each<TrainerEvent>([
    {
      kind: 'progress',
      progress: {
        nextStep: 9,
        terms: [{ part: 'task', value: 2 }],
        batchMetrics: { accuracy: 0.25 },
        gradientNorm: 3,
        learningRate: 0.05,
        stepsPerSecond: 12,
        waits: { student: 0.1, anchor: 0 },
      },
    },
    { kind: 'evaluation', step: 4, validation: score },
    { kind: 'checkpoint', checkpoint: { step: 4, state: blob } },
    {
      kind: 'checkpoint',
      checkpoint: { step: 4, state: blob, best: { step: 2, validation: score, test: score, params: blob } },
    },
    { kind: 'resting', nextStep: 4 },
    { kind: 'alarm', step: 5, message: 'the gradient vanished' },
    { kind: 'stalled', on: 'store', reason: 'access denied' },
    { kind: 'stalled', on: 'assistant-1', reason: 'waiting for step 5' },
    { kind: 'went-on', on: 'anchor' },
    { kind: 'leaving' },
    { kind: 'failure', failure: { kind: 'diverged', message: 'the loss is NaN' } },
  ] satisfies TrainerEvent[])('keep the event $kind as it was', (event) => {
    const message = { number: 0, event: fromTrainerEvent(event) };
    expect(toTrainerEvent(WatchTrainerResponse.decode(WatchTrainerResponse.encode(message).finish()))).toEqual(event);
  });

  test('keep no sentence that is long or controls a terminal', () => {
    const reason = `\u001b[2J${'a'.repeat(5000)}`;
    const event = fromTrainerEvent({ kind: 'stalled', on: 'store', reason });
    const received = toTrainerEvent({ number: 0, event });
    expect(received).toEqual({
      kind: 'stalled',
      on: 'store',
      reason: expect.stringMatching(/^\\u001b\[2Ja{996}\.\.\.$/),
    });
  });
});
