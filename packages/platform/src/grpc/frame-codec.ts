import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { Position } from '../gen/trikd/v1/common.js';
import {
  ExchangeServiceService,
  LogitsFrame as FrameFns,
  type LogitsFrame as FrameMessage,
} from '../gen/trikd/v1/exchange.js';
import { fromFrame, toFrame } from './convert.js';

// StreamLogitsResponse is the one message of the step path. The generated codec copies the logits three times on the way out and
// once on the way in; here they are copied once and not at all. Both read what the other writes.

const LENGTH_DELIMITED = 2;
const tag = (field: number) => (field << 3) | LENGTH_DELIMITED;
/** Field numbers of exchange.proto. */
const RESPONSE_FRAME = 1;
const FRAME = { position: 1, batchDigest: 2, rows: 3, cols: 4, dtype: 5, data: 6, traceparent: 7 } as const;
const NOTHING = Buffer.alloc(0);

/** A frame as an encoded StreamLogitsResponse whose data begin at a multiple of 4 bytes, so that the reader needs no copy. */
export function encodeFrame(frame: LogitsFrame): Buffer {
  const message = fromFrame(frame);
  const fields = FrameFns.encode({ ...message, data: NOTHING }).finish();
  for (let padding = 0; ; padding++) {
    const before = Buffer.concat([fields, Buffer.of(tag(FRAME.data)), paddedVarint(message.data.length, padding)]);
    const head = new BinaryWriter().uint32(tag(RESPONSE_FRAME)).uint32(before.length + message.data.length);
    const start = head.raw(before).finish();
    if (start.length % 4 === 0) return Buffer.concat([start, message.data]);
  }
}

/** Protobuf reads a varint with leading zeros as the same number. */
function paddedVarint(value: number, padding: number): Uint8Array {
  const bytes = [...new BinaryWriter().uint32(value).finish()];
  for (let i = 0; i < padding; i++) bytes.push(bytes.pop()! | 0x80, 0);
  return Uint8Array.from(bytes);
}

/**
 * The frame of an encoded StreamLogitsResponse; its logits are a view of `bytes` where these allow it.
 * @throws TrikdError 'invalid' for a frame that lacks a part.
 */
export function decodeFrame(bytes: Buffer): LogitsFrame {
  const reader = new BinaryReader(bytes);
  let message: FrameMessage | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === RESPONSE_FRAME && wireType === LENGTH_DELIMITED) message = readFrame(reader, reader.uint32());
    else reader.skip(wireType, field);
  }
  return toFrame(message);
}

function readFrame(reader: BinaryReader, length: number): FrameMessage {
  const end = reader.pos + length;
  const frame = FrameFns.create();
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (field === FRAME.position) frame.position = Position.decode(reader, reader.uint32());
    else if (field === FRAME.batchDigest) frame.batchDigest = viewOf(reader.bytes());
    else if (field === FRAME.rows) frame.rows = reader.uint32();
    else if (field === FRAME.cols) frame.cols = reader.uint32();
    else if (field === FRAME.dtype) frame.dtype = reader.int32() === 1 ? 1 : 0;
    else if (field === FRAME.data) frame.data = viewOf(reader.bytes());
    else if (field === FRAME.traceparent) frame.traceparent = reader.string();
    else reader.skip(wireType, field);
  }
  return frame;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** ExchangeService with this codec for its responses. Anybody with the generated one understands it. */
export const ExchangeDefinition = {
  streamLogits: {
    ...ExchangeServiceService.streamLogits,
    responseSerialize: encodeFrame,
    responseDeserialize: decodeFrame,
  },
};
