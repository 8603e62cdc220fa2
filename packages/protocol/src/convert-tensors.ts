import { TrikdError } from '@trikd/core/domain/errors';
import type { SentLogits, SentNumbers } from '@trikd/core/exchange/frame';
import { DataType, type LogitsFrame as FrameMessage } from './gen/node/trikd/v1/exchange.js';

/** The fields of a frame that carry its logits. */
type LogitsMessage = Pick<FrameMessage, 'rows' | 'cols' | 'dtype' | 'data' | 'classes' | 'rest'>;

const { DATA_TYPE_FLOAT16, DATA_TYPE_FLOAT32 } = DataType;
const FLOAT_BYTES = { [DATA_TYPE_FLOAT32]: 4, [DATA_TYPE_FLOAT16]: 2 } as const;
const INDEX_BYTES = Uint16Array.BYTES_PER_ELEMENT;

/**
 * Logits whose numbers are the received bytes themselves where they are aligned, else a copy.
 * @throws TrikdError 'invalid' for an unknown type and for bytes that do not fill the shape
 */
export function toLogits({ rows, cols, dtype, data, classes, rest }: LogitsMessage): SentLogits {
  const isKnown = dtype === DATA_TYPE_FLOAT32 || dtype === DATA_TYPE_FLOAT16;
  const name = dtype === DATA_TYPE_FLOAT16 ? 'float16' : 'float32';
  const size = isKnown ? FLOAT_BYTES[dtype] : FLOAT_BYTES[DATA_TYPE_FLOAT32];
  const isWhole = classes.byteLength === 0;
  const each = isWhole ? cols : classes.byteLength / (INDEX_BYTES * rows);
  const count = rows * each;
  if (!isKnown || count === 0 || data.byteLength !== size * count) {
    const shape = isWhole ? `${rows}x${cols}` : `${classes.byteLength / INDEX_BYTES} of ${rows}x${cols}`;
    throw new TrikdError(
      'invalid',
      `a frame of ${shape} ${name} has ${size * count} bytes, got ${data.byteLength} of type ${dtype}`,
      { rows, cols, dtype, bytes: data.byteLength },
    );
  }
  const numbers = (bytes: Buffer) => (size === 4 ? viewOf(Float32Array, bytes) : viewOf(Uint16Array, bytes));
  if (isWhole) return { rows, cols, data: numbers(data) };
  if (!Number.isInteger(each) || each >= cols || rest.byteLength !== size * rows) {
    throw new TrikdError(
      'invalid',
      `a frame of ${rows}x${cols} ${name} has as many classes, fewer than ${cols}, and one number for the others in each row: ` +
        `got ${classes.byteLength} bytes of classes and ${rest.byteLength} of the others`,
      { rows, cols, classes: classes.byteLength, rest: rest.byteLength },
    );
  }
  return { rows, cols, data: numbers(data), top: { classes: viewOf(Uint16Array, classes), rest: numbers(rest) } };
}

/** The message shares the memory of the logits. */
export function fromLogits({ rows, cols, data, top }: SentLogits): LogitsMessage {
  return {
    rows,
    cols,
    dtype: data instanceof Float32Array ? DATA_TYPE_FLOAT32 : DATA_TYPE_FLOAT16,
    data: sentBytes(data),
    classes: top ? sentBytes(top.classes) : Buffer.alloc(0),
    rest: top ? sentBytes(top.rest) : Buffer.alloc(0),
  };
}

function sentBytes({ buffer, byteOffset, byteLength }: SentNumbers): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Every platform that Node.js and TensorFlow both support is little-endian, as the wire is. */
function viewOf<T extends SentNumbers>(
  type: { new (buffer: ArrayBufferLike, offset: number, length: number): T; readonly BYTES_PER_ELEMENT: number },
  bytes: Buffer,
): T {
  const size = type.BYTES_PER_ELEMENT;
  // A small Buffer is a part of a shared pool: its own offset counts, and it may start anywhere.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new type(aligned.buffer, aligned.byteOffset, bytes.byteLength / size);
}

// Every platform that Node.js and TensorFlow both support is little-endian, as the wire is.

/** The bytes of numbers as the wire has them. They share the memory of the numbers. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The numbers of bytes from the wire, in their memory where they are aligned. @throws TrikdError 'invalid' for a part of a number */
export function floatsOf(bytes: Buffer): Float32Array {
  if (bytes.length % 4 !== 0) throw new TrikdError('invalid', `${bytes.length} bytes are no whole number of float32`);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
}
