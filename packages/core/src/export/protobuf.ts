/** Fields of a message of protocol buffers, encoded. Fields that are concatenated are one message. */
export type Fields = Uint8Array;

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** An int64, enum or bool. Numbers are exact up to 2^53. */
export function int(field: number, value: number | boolean): Fields {
  return Uint8Array.from([...tag(field, VARINT), ...base128(BigInt.asUintN(64, BigInt(value)))]);
}

export function float(field: number, value: number): Fields {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, FIXED32), bytes]);
}

export function bytes(field: number, content: Uint8Array): Fields {
  return Buffer.concat([header(field, content.length), content]);
}

export function text(field: number, value: string): Fields {
  return bytes(field, Buffer.from(value));
}

/** A message inside a message. */
export function message(field: number, ...fields: readonly Fields[]): Fields {
  const length = fields.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([header(field, length), ...fields]);
}

/** An entry of a map whose keys are strings. @param fields of the value, as its field 2 */
export function mapEntry(field: number, key: string, value: Fields): Fields {
  return message(field, text(1, key), value);
}

/** Repeated int64, packed. */
export function packedInts(field: number, values: readonly number[]): Fields {
  const content = values.flatMap((value) => base128(BigInt.asUintN(64, BigInt(value))));
  return bytes(field, Uint8Array.from(content));
}

function header(field: number, length: number): Uint8Array {
  return Uint8Array.from([...tag(field, LENGTH_DELIMITED), ...base128(BigInt(length))]);
}

function tag(field: number, wireType: number): Uint8Array {
  return Uint8Array.from(base128(BigInt((field << 3) | wireType)));
}

function base128(value: bigint): number[] {
  const low = Number(value & 127n);
  return value < 128n ? [low] : [low | 128, ...base128(value >> 7n)];
}
