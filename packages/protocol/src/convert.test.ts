import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { toSent } from '@trikd/core/exchange/sent-logits';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromFrame, fromSubscription, toFrame, toRole, toSubscription } from './convert.js';
import { fromTrainerEvent, toTrainerEvent } from './convert-trainer.js';
import { StreamLogitsRequest, StreamLogitsResponse } from './gen/node/trikd/v1/exchange.js';
import { WatchTrainerResponse } from './gen/node/trikd/v1/trainer.js';

const position = { runId: 'r', stage: 1, attempt: 2, step: 3 };
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

  test('of the largest logits in float16 have these bytes', () => {
    const own = { rows: 2, cols: 5, data: Float32Array.of(1, 2, 0, 0, 0, 0, 0, 0, -1, 65_504) };
    const logits = toSent(own, { precision: 'float16', topK: 2 }, 'it');
    const message = fromFrame({ position, batchDigest: 'aabb', logits });
    const bytes = Buffer.from(StreamLogitsResponse.encode({ frame: message }).finish());
    expect(bytes.toString('hex').match(/../g)?.join(' ')).toBe(
      [
        '0a 2f', // frame
        '0a 09 0a 01 72 10 01 18 02 20 03', // position
        '12 02 aa bb', // batch_digest
        '18 02 20 05 28 02', // rows, cols, dtype
        '32 08 00 3c 00 40 00 00 ff 7b', // data: 1 2, 0 65504
        '42 08 00 00 01 00 00 00 04 00', // classes: 0 1, 0 4
        '4a 04 00 00 92 b3', // rest: 0, ln((2 + exp(-1)) / 3)
      ].join(' '),
    );
    expect(toFrame(StreamLogitsResponse.decode(bytes).frame).logits).toEqual(logits);
  });

  test('of the largest logits that do not fill their shape are refused', () => {
    const own = { rows: 2, cols: 5, data: new Float32Array(10) };
    const logits = toSent(own, { precision: 'float16', topK: 2 }, 'it');
    const message = fromFrame({ position, batchDigest: '', logits });
    const invalid = (change: object, said: string) =>
      expect(() => toFrame({ ...message, ...change })).toThrow(
        expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(said) }),
      );
    invalid({ data: Buffer.alloc(6) }, 'a frame of 4 of 2x5 float16 has 8 bytes, got 6 of type 2');
    invalid({ dtype: 1 }, 'a frame of 4 of 2x5 float32 has 16 bytes, got 8 of type 1');
    invalid({ dtype: 3 }, 'of type 3');
    invalid({ rest: Buffer.alloc(0) }, 'got 8 bytes of classes and 0 of the others');
    invalid({ classes: Buffer.alloc(6), data: Buffer.alloc(6) }, 'got 6 bytes of classes and 4 of the others');
    invalid({ cols: 2 }, 'fewer than 2');
    invalid({ rows: 0 }, 'a frame of 4 of 0x5');
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
