import { z } from 'zod';
import { TrikdError } from '../domain/errors.js';
import { messageOf } from '../domain/message-of.js';
import { decodeStrictJson } from './strict-json.js';
import { elementCount } from './tensor-types.js';

export const METADATA_KEY = '__metadata__';
/** Far above the header of any model here, and far below what would take noticeable memory to parse. */
export const MAX_HEADER_BYTES = 1024 * 1024;
export const MAX_TENSORS = 4096;

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
