import { z } from 'zod';
import { messageOf, TrikdError } from '../domain/errors.js';
import type { HostTensor, Params } from '../models/params.js';
import { decodeStrictJson } from './json.js';
import {
  describeTensor,
  ELEMENT_BYTES,
  elementCount,
  SAFETENSORS_NAME,
  type TensorType,
  TYPE_NAMED,
  typeOfData,
} from './tensor-types.js';

/** Named tensors and named strings, as one file stores them. */
export interface Safetensors {
  readonly params: Params;
  readonly metadata: Readonly<Record<string, string>>;
}

const OWN_TYPES = Object.fromEntries(
  Object.entries(TYPE_NAMED).map(([stored, dtype]) => [stored, ELEMENT_BYTES[dtype]]),
);

const TYPE_ORDER = Object.keys(SAFETENSORS_NAME);

/**
 * Encodes params in the safetensors format (https://github.com/huggingface/safetensors): 8 bytes of header length, a
 * JSON header padded with spaces to a multiple of 8, the data. Little-endian, as all hosts that TensorFlow supports
 * are. Equal params give equal bytes: tensors are sorted as the Python package sorts them (type, then name by UTF-8
 * bytes), metadata by key.
 * @throws TrikdError 'invalid' for params that the format, or our own reader, would reject
 */
export function encodeSafetensors(params: Params, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  if (params.size > MAX_TENSORS) throw invalid(`${params.size} tensors, at most ${MAX_TENSORS} are allowed`);
  const tensors = [...params].sort(
    ([nameA, a], [nameB, b]) =>
      TYPE_ORDER.indexOf(a.dtype) - TYPE_ORDER.indexOf(b.dtype) ||
      Buffer.compare(Buffer.from(nameA), Buffer.from(nameB)),
  );
  return packSafetensors(
    tensors.map(([name, tensor]) => {
      assertSound(name, tensor);
      const { dtype, shape, data } = tensor;
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return [name, { dtype: SAFETENSORS_NAME[dtype], shape, bytes }];
    }),
    metadata,
  );
}

/** A tensor as a file stores it, of any type that the format has. */
export interface PackedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Little-endian. */
  readonly bytes: Uint8Array;
}

/**
 * Writes tensors into one file in their order, which by convention has wider types first.
 * @throws TrikdError 'invalid' for a header that our own reader would reject
 */
export function packSafetensors(
  tensors: readonly (readonly [name: string, tensor: PackedTensor])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const described = tensors.map(([name, { dtype, shape, bytes }]): [string, DescribedTensor] => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const header = encodeHeader(described, metadata);
  const file = new Uint8Array(8 + header.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  let offset = 8 + header.length;
  for (const [, { bytes }] of tensors) {
    file.set(bytes, offset);
    offset += bytes.length;
  }
  return file;
}

/**
 * Decodes what `encodeSafetensors`, or another writer of float32, int32 and uint8 tensors, wrote. The tensors share
 * memory with `bytes` where alignment allows it.
 * @throws TrikdError 'corrupt' unless the bytes are exactly one valid file; nothing is guessed or left over
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const { tensors, metadata, dataStart } = decodeHeader(bytes, OWN_TYPES);
  const params = new Map<string, HostTensor>();
  for (const { name, dtype: stored, shape, begin, end } of tensors) {
    const dtype = TYPE_NAMED[stored as keyof typeof TYPE_NAMED];
    params.set(name, { dtype, shape, data: dataOf(bytes.subarray(dataStart + begin, dataStart + end), dtype) });
  }
  return { params, metadata };
}

/** A tensor in the header. */
interface DescribedTensor extends Omit<PackedTensor, 'bytes'> {
  readonly data_offsets: readonly [number, number];
}

function encodeHeader(
  tensors: readonly [string, DescribedTensor][],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const texts = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  // Assembled by hand: JSON.stringify moves keys that look like integers to the front.
  const members = tensors.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  if (texts.length > 0) {
    const inner = texts.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`);
    members.unshift(`"${METADATA_KEY}":{${inner.join(',')}}`);
  }
  const json = Buffer.from(`{${members.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES) throw invalid(`header of ${padded} bytes, at most ${MAX_HEADER_BYTES} are allowed`);
  return Buffer.concat([json, Buffer.alloc(padded - json.length, ' ')]);
}

function assertSound(name: string, tensor: HostTensor): void {
  if (name === METADATA_KEY || !name.isWellFormed()) throw invalid(`${JSON.stringify(name)} cannot name a tensor`);
  if (typeOfData(tensor.data) !== tensor.dtype || elementCount(tensor.shape) !== tensor.data.length) {
    throw invalid(
      `tensor ${name} claims ${describeTensor(tensor)} but holds ${tensor.data.length} elements of ${typeOfData(tensor.data)}`,
    );
  }
}

function dataOf(bytes: Uint8Array, dtype: TensorType): HostTensor['data'] {
  if (dtype === 'uint8') return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  // A view must start at a multiple of its element size; a copy starts at 0.
  const aligned = bytes.byteOffset % ELEMENT_BYTES[dtype] === 0 ? bytes : new Uint8Array(bytes);
  const length = bytes.length / ELEMENT_BYTES[dtype];
  return dtype === 'float32'
    ? new Float32Array(aligned.buffer, aligned.byteOffset, length)
    : new Int32Array(aligned.buffer, aligned.byteOffset, length);
}

function invalid(problem: string): TrikdError {
  return new TrikdError('invalid', `cannot write safetensors: ${problem}`);
}

const METADATA_KEY = '__metadata__';
/** Far above the header of any model here, and far below what would take noticeable memory to parse. */
const MAX_HEADER_BYTES = 1024 * 1024;
const MAX_TENSORS = 4096;

const Size = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Bytes of an element, by the name of its type in safetensors. */
export type ElementTypes = Readonly<Record<string, number>>;

/** One tensor as the header describes it; offsets count from the end of the header. */
function tensorEntry(types: ElementTypes) {
  const names = Object.keys(types);
  const known = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return z.strictObject({
    dtype: z.enum(names, { error: ({ input }) => `type ${input} is not read, only ${known} are` }),
    shape: z.array(Size).max(16).readonly(),
    data_offsets: z.tuple([Size, Size]),
  });
}
type TensorEntry = ReturnType<typeof tensorEntry>;

/** A validated tensor: its range has the size of its shape and lies inside the data. */
export interface LocatedTensor {
  readonly name: string;
  /** As the file names it. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** From `dataStart`. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly tensors: readonly LocatedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Offset of the data in the file. */
  readonly dataStart: number;
}

/**
 * Reads and validates a safetensors file except for its data.
 * @param types those that the reader knows
 * @throws TrikdError 'corrupt'
 */
export function decodeHeader(bytes: Uint8Array, types: ElementTypes): Header {
  const dataStart = 8 + headerLength(bytes);
  const members = parseMembers(bytes.subarray(8, dataStart));
  const metadata = Object.fromEntries(
    members.filter(([name]) => name === METADATA_KEY).flatMap(([, value]) => textsOf(value)),
  );
  const described = members.filter(([name]) => name !== METADATA_KEY);
  if (described.length > MAX_TENSORS) throw corrupt(`${described.length} tensors, at most ${MAX_TENSORS} are allowed`);
  const entry = tensorEntry(types);
  const tensors = described.map(([name, value]) => locate(name, value, entry, types));
  assertCovered(tensors, bytes.length - dataStart);
  return { tensors, metadata, dataStart };
}

function headerLength(bytes: Uint8Array): number {
  if (bytes.length < 8) throw corrupt(`${bytes.length} bytes cannot hold the header length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) throw corrupt(`header of ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`);
  if (8 + Number(length) > bytes.length) throw corrupt(`header of ${length} bytes in a file of ${bytes.length}`);
  return Number(length);
}

function parseMembers(header: Uint8Array): readonly [string, unknown][] {
  if (header[0] !== '{'.charCodeAt(0)) throw corrupt('the header does not begin with {');
  try {
    // It starts with a brace and is valid JSON, so it is an object.
    return Object.entries(Object(decodeStrictJson(header)));
  } catch (cause) {
    throw corrupt(`the header is not JSON: ${messageOf(cause)}`, { cause });
  }
}

function textsOf(value: unknown): readonly [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw corrupt('the metadata is not an object');
  return Object.entries(value).map(([key, text]: [string, unknown]) => {
    if (typeof text !== 'string') throw corrupt(`metadata ${JSON.stringify(key)} is not a text`);
    return [key, text];
  });
}

function locate(name: string, value: unknown, entry: TensorEntry, types: ElementTypes): LocatedTensor {
  const parsed = entry.safeParse(value);
  if (!parsed.success) {
    throw corrupt(`tensor ${name}: ${z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ')}`);
  }
  const { dtype, shape, data_offsets } = parsed.data;
  const [begin, end] = data_offsets;
  if (end - begin !== elementCount(shape) * types[dtype]!) {
    throw corrupt(`tensor ${name}: ${end - begin} bytes at ${begin}..${end} for ${dtype}[${shape.join(',')}]`);
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors, by offset, must follow each other without gaps or overlaps and end with the file. */
function assertCovered(tensors: readonly LocatedTensor[], dataBytes: number): void {
  let end = 0;
  for (const tensor of tensors.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== end) {
      throw corrupt(`tensor ${tensor.name} begins at ${tensor.begin}, the one before it ends at ${end}`);
    }
    end = tensor.end;
  }
  if (end !== dataBytes) throw corrupt(`the tensors take ${end} bytes, the file has ${dataBytes}`);
}

function corrupt(problem: string, options?: ErrorOptions): TrikdError {
  return new TrikdError('corrupt', `safetensors: ${problem}`, {}, options);
}
