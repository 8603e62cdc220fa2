import { inflateSync } from 'node:zlib';
import { hasCode } from '@trikd/process/error-code';
import { assertDecodable, damaged, type Outline } from './outline.js';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Bytes of the signature and of the first chunk. */
export const PNG_HEADER = 33;

/** Samples of a pixel, by colour type, and the bits that a sample may have. */
const COLOURS = new Map([
  [0, { samples: 1, depths: [1, 2, 4, 8, 16] }],
  [2, { samples: 3, depths: [8, 16] }],
  [3, { samples: 1, depths: [1, 2, 4, 8] }],
  [4, { samples: 2, depths: [8, 16] }],
  [6, { samples: 4, depths: [8, 16] }],
]);

/** The chunks that decide pixels. Of all others, some are compressed too. */
const DECISIVE = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];

/** The seven passes of an interlaced picture: first column and row, and the distances between two of them. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Header extends Outline {
  readonly bitsPerPixel: number;
  readonly interlaced: boolean;
}

export function isPng(file: Buffer): boolean {
  return file.subarray(0, SIGNATURE.length).equals(SIGNATURE);
}

/** The size in the header of a PNG file (ISO/IEC 15948). @param file PNG_HEADER bytes or more @throws TrikdError 'invalid' */
export function pngOutline(file: Buffer): Outline {
  const { height, width } = headerOf(file);
  return { height, width };
}

/**
 * Checks a PNG file before it is decoded: its size, that it is complete, and that its pixels unpack to exactly what its header says.
 * @returns the file without the chunks that decide no pixel
 * @throws TrikdError 'invalid'
 */
export function checkedPng(file: Buffer): Buffer {
  const header = headerOf(file);
  const kept: Buffer[] = [SIGNATURE];
  const packed: Buffer[] = [];
  let ended = false;
  for (let at = SIGNATURE.length; !ended; ) {
    if (at + 12 > file.length) throw damaged('it is cut off');
    const length = file.readUInt32BE(at);
    const kind = file.toString('latin1', at + 4, at + 8);
    const end = at + 12 + length;
    if (end > file.length) throw damaged('it is cut off');
    if (DECISIVE.includes(kind)) kept.push(file.subarray(at, end));
    if (kind === 'IDAT') packed.push(file.subarray(at + 8, end - 4));
    ended = kind === 'IEND';
    at = end;
  }
  assertUnpacks(Buffer.concat(packed), unpackedBytes(header));
  return Buffer.concat(kept);
}

function headerOf(file: Buffer): Header {
  if (file.length < PNG_HEADER) throw damaged('it is cut off');
  if (file.toString('latin1', 12, 16) !== 'IHDR') throw damaged('it does not start with a header');
  const outline = { width: file.readUInt32BE(16), height: file.readUInt32BE(20) };
  assertDecodable(outline);
  const [depth = 0, colour = 0, compression, filter, interlace = 0] = file.subarray(24, 29);
  const known = COLOURS.get(colour);
  if (!known?.depths.includes(depth)) throw damaged(`colour type ${colour} with ${depth} bits is none of PNG`);
  if (compression !== 0 || filter !== 0 || interlace > 1)
    throw damaged('it is compressed in a way that PNG does not have');
  return { ...outline, bitsPerPixel: known.samples * depth, interlaced: interlace === 1 };
}

/** Each row has a byte for its filter. */
function unpackedBytes({ height, width, bitsPerPixel, interlaced }: Header): number {
  const bytes = (rows: number, columns: number) =>
    columns === 0 ? 0 : rows * (1 + Math.ceil((columns * bitsPerPixel) / 8));
  if (!interlaced) return bytes(height, width);
  const parts = PASSES.map(([x, y, acrossX, acrossY]) =>
    bytes(Math.max(0, Math.ceil((height - y) / acrossY)), Math.max(0, Math.ceil((width - x) / acrossX))),
  );
  return parts.reduce((sum, part) => sum + part, 0);
}

function assertUnpacks(packed: Buffer, expected: number): void {
  const found = unpackedLength(packed, expected);
  if (found === expected) return;
  throw damaged(`its pixels unpack to ${found ?? 'more'} bytes instead of ${expected}`);
}

/** @returns undefined for more than `most` */
function unpackedLength(packed: Buffer, most: number): number | undefined {
  try {
    return inflateSync(packed, { maxOutputLength: most }).length;
  } catch (cause) {
    if (hasCode(cause, 'ERR_BUFFER_TOO_LARGE')) return undefined;
    throw damaged('its pixels do not unpack');
  }
}
