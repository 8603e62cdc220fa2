import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { fromFrame, toFrame } from './convert.js';
import { Position } from './gen/node/trikd/v1/common.js';
import {
  ExchangeServiceService,
  LogitsFrame as FrameFns,
  type LogitsFrame as FrameMessage,
} from './gen/node/trikd/v1/exchange.js';

// StreamLogitsResponse is the one message of the step path. The generated codec copies the logits three times on the way out and
// once on the way in; here they are copied once and not at all. Both read what the other writes.

const LENGTH_DELIMITED = 2;
const tag = (field: number) => (field << 3) | LENGTH_DELIMITED;
/** Field numbers of exchange.proto. */
const RESPONSE_FRAME = 1;
const FRAME = { position: 1, batchDigest: 2, rows: 3, cols: 4, dtype: 5, data: 6, traceparent: 7 } as const;
const NOTHING = Buffer.alloc(0);

/** gRPC puts so many bytes before a message (a flag and its length), and hands both to the reader in one piece. */
export const GRPC_PREFIX = 5;
/** Least width of a length: enough for 256 MiB. */
const LENGTH_WIDTH = 4;

/**
 * A frame as an encoded StreamLogitsResponse. Its data begin at a multiple of 4 bytes of what the reader receives, so that the reader
 * needs no copy: the length before them is written wider than it must be.
 * @param allocate memory for so many bytes
 */
export function encodeFrame(frame: LogitsFrame, allocate = Buffer.allocUnsafeSlow): Buffer {
  const { data, ...rest } = fromFrame(frame);
  const fields = FrameFns.encode({ ...rest, data: NOTHING }).finish();
  const least = 2 + 2 * LENGTH_WIDTH + fields.length;
  const padding = -(GRPC_PREFIX + least) & 3;
  const bytes = allocate(least + padding + data.length);
  const inner = fields.length + 1 + LENGTH_WIDTH + padding + data.length;
  let at = writeLength(bytes, 0, tag(RESPONSE_FRAME), inner, LENGTH_WIDTH);
  bytes.set(fields, at);
  at = writeLength(bytes, at + fields.length, tag(FRAME.data), data.length, LENGTH_WIDTH + padding);
  bytes.set(data, at);
  return bytes;
}

let scratch = Buffer.allocUnsafeSlow(0);

/**
 * The same for gRPC, which copies what it is given behind its prefix before anything else can happen. So every frame is encoded into
 * the same memory: a fresh buffer for each would cost more in garbage collections than all of the encoding.
 */
function serializeFrame(frame: LogitsFrame): Buffer {
  return encodeFrame(frame, (size) => {
    if (scratch.length < size) scratch = Buffer.allocUnsafeSlow(size);
    return scratch.subarray(0, size);
  });
}

/** A tag and a length as a varint of `width` bytes: protobuf reads one with leading zeros as the same number. Returns its end. */
function writeLength(bytes: Buffer, at: number, fieldTag: number, length: number, width: number): number {
  bytes[at] = fieldTag;
  for (let i = 0; i < width; i++) {
    const group = i < LENGTH_WIDTH ? (length >>> (7 * i)) & 0x7f : 0;
    bytes[at + 1 + i] = group | (i < width - 1 ? 0x80 : 0);
  }
  return at + 1 + width;
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
    responseSerialize: serializeFrame,
    responseDeserialize: decodeFrame,
  },
};
