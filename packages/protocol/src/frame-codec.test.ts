import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { formatOf } from '@trikd/core/exchange/frame';
import { toSent } from '@trikd/core/exchange/sent-logits';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromFrame, toFrame } from './convert.js';
import { decodeFrame, encodeFrame, GRPC_PREFIX } from './frame-codec.js';
import { StreamLogitsResponse } from './gen/node/trikd/v1/exchange.js';

const frames: fc.Arbitrary<LogitsFrame> = fc
  .record({
    runId: fc.string({ maxLength: 40 }),
    step: fc.nat(),
    digest: fc.uint8Array({ maxLength: 32 }),
    values: fc.array(fc.float({ noNaN: true, min: -65_000, max: 65_000 }), { minLength: 1, maxLength: 2000 }),
    traced: fc.boolean(),
    precision: fc.constantFrom('float32', 'float16'),
    topK: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
  })
  .map(({ runId, step, digest, values, traced, precision, topK }) => ({
    position: { runId, stage: 1, attempt: 2, step },
    batchDigest: Buffer.from(digest).toString('hex'),
    logits: toSent(
      { rows: 1, cols: values.length, data: Float32Array.from(values) },
      formatOf({ exchange: { window: 4, stepTimeout: 60, precision, topK } }, values.length),
      'it',
    ),
    ...(traced && { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }),
  }));

test('a decoded frame equals the encoded one, bit for bit', () => {
  fc.assert(fc.property(frames, (frame) => void expect(decodeFrame(encodeFrame(frame))).toEqual(frame)));
});

test('the generated codec reads what this one writes', () => {
  fc.assert(
    fc.property(
      frames,
      (frame) => void expect(toFrame(StreamLogitsResponse.decode(encodeFrame(frame)).frame)).toEqual(frame),
    ),
  );
});

test('this codec reads what the generated one writes', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const bytes = Buffer.from(StreamLogitsResponse.encode({ frame: fromFrame(frame) }).finish());
      expect(decodeFrame(bytes)).toEqual(frame);
    }),
  );
});

test('the logits are a view of the received bytes, behind the prefix of gRPC', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const message = encodeFrame(frame);
      const received = Buffer.allocUnsafeSlow(GRPC_PREFIX + message.length);
      received.set(message, GRPC_PREFIX);
      expect(decodeFrame(received.subarray(GRPC_PREFIX)).logits.data.buffer).toBe(received.buffer);
    }),
  );
});

test('padded lengths encode the same number, for every alignment', () => {
  for (const length of [0, 1, 2, 3]) {
    const frame = { ...fc.sample(frames, { numRuns: 1, seed: 1 })[0]! };
    const bytes = encodeFrame({ ...frame, position: { ...frame.position, runId: 'x'.repeat(length) } });
    const reader = new BinaryReader(bytes);
    expect(reader.tag()).toEqual([1, 2]);
    // Read as 64 bits, as other languages do.
    expect(Number(reader.uint64())).toBe(bytes.length - reader.pos);
  }
});

test('unknown fields are skipped', () => {
  const frame = { ...fc.sample(frames, { numRuns: 1, seed: 1 })[0]! };
  const bytes = Buffer.concat([Buffer.from([0x7a, 2, 1, 1]), encodeFrame(frame)]);
  expect(decodeFrame(bytes)).toEqual(frame);
});

test('bytes that are not a frame are rejected', () => {
  expect(() => decodeFrame(Buffer.alloc(0))).toThrow('the message lacks its frame');
  expect(() => decodeFrame(encodeFrame(fc.sample(frames, 1)[0]!).subarray(0, -1))).toThrow();
});
