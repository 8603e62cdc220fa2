import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { fromFrame, toFrame } from './convert.js';
import { Position } from './gen/node/trikd/v1/common.js';
import {
  dataTypeFromJSON,
  ExchangeServiceService,
  LogitsFrame as FrameFns,
  type LogitsFrame as FrameMessage,
} from './gen/node/trikd/v1/exchange.js';

// StreamLogitsResponse is the only message of every step. The generated codec copies the logits three times when it encodes
// and once when it decodes; this one copies them once and not at all. The two are compatible. The classes of a frame with the largest
// logits alone are few, and are copied.

const LENGTH_DELIMITED = 2;
const tag = (field: number) => (field << 3) | LENGTH_DELIMITED;
/** Field numbers of exchange.proto. */
const RESPONSE_FRAME = 1;
const FRAME = {
  position: 1,
  batchDigest: 2,
  rows: 3,
  cols: 4,
  dtype: 5,
  data: 6,
  traceparent: 7,
  classes: 8,
  rest: 9,
} as const;
const NOTHING = Buffer.alloc(0);

/** gRPC prefixes a message with a flag and its length, and passes both to the decoder in one buffer. */
export const GRPC_PREFIX = 5;
/** Minimum width of a length, in bytes: enough for 256 MiB. */
const LENGTH_WIDTH = 4;

/**
 * Encodes a frame as a StreamLogitsResponse. The logits start at a multiple of 4 bytes in the buffer that the decoder
 * receives, so that it need not copy them: their length is padded accordingly.
 * @param allocate returns a buffer of that many bytes
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
 * Encodes a frame for gRPC, which copies the bytes behind its prefix synchronously. All frames are therefore encoded into
 * the same buffer: a new one for each would cost more in garbage collection than the encoding itself.
 */
function serializeFrame(frame: LogitsFrame): Buffer {
  return encodeFrame(frame, (size) => {
    if (scratch.length < size) scratch = Buffer.allocUnsafeSlow(size);
    return scratch.subarray(0, size);
  });
}

/** Writes a tag and a length as a varint of `width` bytes: protobuf accepts leading zeros. Returns the end. */
function writeLength(bytes: Buffer, at: number, fieldTag: number, length: number, width: number): number {
  bytes[at] = fieldTag;
  for (let i = 0; i < width; i++) {
    const group = i < LENGTH_WIDTH ? (length >>> (7 * i)) & 0x7f : 0;
    bytes[at + 1 + i] = group | (i < width - 1 ? 0x80 : 0);
  }
  return at + 1 + width;
}

/**
 * Decodes a StreamLogitsResponse. The logits are a view of `bytes` if they are aligned.
 * @throws TrikdError 'invalid' if a part is missing
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
    else if (field === FRAME.dtype) frame.dtype = dataTypeFromJSON(reader.int32());
    else if (field === FRAME.data) frame.data = viewOf(reader.bytes());
    else if (field === FRAME.classes) frame.classes = viewOf(reader.bytes());
    else if (field === FRAME.rest) frame.rest = viewOf(reader.bytes());
    else if (field === FRAME.traceparent) frame.traceparent = reader.string();
    else reader.skip(wireType, field);
  }
  return frame;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** ExchangeService with this codec for its responses, compatible with the generated one. */
export const ExchangeDefinition = {
  streamLogits: {
    ...ExchangeServiceService.streamLogits,
    responseSerialize: serializeFrame,
    responseDeserialize: decodeFrame,
  },
};
