import { TrikdError } from '@trikd/core/domain/errors';

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
