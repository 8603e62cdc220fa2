import { decodeHeader } from '../checkpoint/safetensors.js';
import { TrikdError } from '../domain/errors.js';
import { fromFloat16 } from '../domain/float16.js';
import { type FileTensor, finite, type WeightsFile } from './file-tensor.js';

/** Types of elements that other programs write. Those without a reader may be there, such as counters, but cannot be params. */
const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 };

const READERS: Readonly<Record<string, (bytes: Uint8Array) => Float32Array>> = {
  F64: (bytes) => Float32Array.from(new Float64Array(aligned(bytes))),
  F32: (bytes) => new Float32Array(aligned(bytes)),
  F16: (bytes) => fromFloat16(new Uint16Array(aligned(bytes))),
  BF16: (bytes) => fromBfloat16(new Uint16Array(aligned(bytes))),
};

/**
 * Reads a safetensors file of any program.
 * @throws TrikdError 'corrupt' unless the bytes are exactly one valid file
 */
export function safetensorsFile(bytes: Uint8Array): WeightsFile {
  const { tensors, metadata, dataStart } = decodeHeader(bytes, BYTES);
  return {
    format: 'safetensors',
    metadata,
    tensors: tensors.map(({ name, dtype, shape, begin, end }): FileTensor => {
      const read = () => {
        const reader = READERS[dtype];
        if (!reader) throw new TrikdError('invalid', `tensor ${name} has the type ${dtype}, which is none of params`);
        return finite(name, reader(bytes.subarray(dataStart + begin, dataStart + end)));
      };
      return { name, dtype, shape, read };
    }),
  };
}

/** A copy that starts at 0: a view must start at a multiple of its element size, and shares no memory with the file. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** bfloat16 widened: exact, as it has the upper half of the bits of a float32. */
function fromBfloat16(halves: Uint16Array): Float32Array {
  const words = Uint32Array.from(halves, (half) => half << 16);
  return new Float32Array(words.buffer);
}
