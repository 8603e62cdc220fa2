import { inflateSync } from 'node:zlib';
import { TrikdError } from '@trikd/core/domain/errors';
import { hasCode } from '@trikd/process/error-code';

/** What the header of a picture says of it. */
export interface Outline {
  readonly height: number;
  readonly width: number;
}

/** Pixels of a picture, and of one of its sides, at most. A JPEG file of so many takes about 400 MB while it is decoded. */
const MOST_PIXELS = 16 * 1024 ** 2;
const LONGEST_SIDE = 16_384;

/** Checks the size of a picture before anything is allocated for it. @throws TrikdError 'invalid' */
function assertDecodable({ height, width }: Outline): void {
  if (height === 0 || width === 0) throw damaged(`its header says ${height}x${width} pixels`);
  if (height * width <= MOST_PIXELS && Math.max(height, width) <= LONGEST_SIDE) return;
  const most = `at most ${MOST_PIXELS} pixels and ${LONGEST_SIDE} on a side are read`;
  throw damaged(`its header says ${height}x${width} pixels, and ${most}`);
}

/** The error of one picture; its file is added where it is read. */
export function damaged(problem: string): TrikdError {
  return new TrikdError('invalid', problem);
}

/** Scans of a progressive picture, at most: each is a pass over all of its pixels. Encoders make about ten. */
const MOST_SCANS = 64;

/** Kinds of segments (ITU-T T.81, table B.1). */
const START = 0xd8;
const END = 0xd9;
const SCAN = 0xda;
const BASELINE = 0xc0;
const PROGRESSIVE = 0xc2;
/** Frames are C0 to CF but these: tables of codes, an extension, and arithmetic conditioning. */
const NO_FRAMES = [0xc4, 0xc8, 0xcc];

export function isJpeg(file: Buffer): boolean {
  return file.length > 3 && file[0] === 0xff && file[1] === START && file[2] === 0xff;
}

/**
 * Reads the segments of a JPEG file.
 * @returns the size in its header
 * @throws TrikdError 'invalid' if the picture is too large, of a kind that is not decoded, or not complete
 */
export function jpegOutline(file: Buffer): Outline {
  let outline: Outline | undefined;
  let scans = 0;
  for (let at = 2; ; ) {
    const { kind, next } = markerAt(file, at);
    at = next;
    if (kind === END) break;
    if (at + 2 > file.length) throw damaged('it is cut off');
    const end = at + file.readUInt16BE(at);
    if (end > file.length) throw damaged('it is cut off');
    if (kind >= BASELINE && kind <= 0xcf && !NO_FRAMES.includes(kind)) {
      if (outline) throw damaged('it has several pictures');
      outline = frameOf(kind, file.subarray(at + 2, end));
    }
    at = end;
    if (kind === SCAN) {
      if (!outline) throw damaged('it has pixels before a header');
      if (++scans > MOST_SCANS) throw damaged(`it has more than ${MOST_SCANS} scans`);
      at = endOfScan(file, at);
    }
  }
  if (!outline || scans === 0) throw damaged('it has no picture');
  return outline;
}

/** The kind of the segment at a place, which any number of bytes FF may precede. */
function markerAt(file: Buffer, at: number): { readonly kind: number; readonly next: number } {
  if (at < file.length && file[at] !== 0xff) throw damaged('it has no segment where one starts');
  let next = at;
  while (file[next] === 0xff) next++;
  const kind = file[next];
  if (kind === undefined) throw damaged('it is cut off');
  if (kind < 0xc0 || kind === START || (kind >= 0xd0 && kind < START))
    throw damaged('it has no segment where one starts');
  return { kind, next: next + 1 };
}

/** Where the codes of a scan end: at the first marker that is no restart. A byte FF among the codes is followed by 00. */
function endOfScan(file: Buffer, begin: number): number {
  for (let at = begin; ; at += 2) {
    at = file.indexOf(0xff, at);
    if (at < 0) throw damaged('it is cut off');
    const kind = file[at + 1];
    if (kind === 0xff) at -= 1;
    else if (kind === undefined || (kind !== 0 && (kind < 0xd0 || kind >= START))) return at;
  }
}

function frameOf(kind: number, content: Buffer): Outline {
  if (content.length < 6) throw damaged('its header is cut off');
  if (kind > PROGRESSIVE) throw damaged('it is lossless, hierarchical or of arithmetic coding, which are not decoded');
  const outline = { height: content.readUInt16BE(1), width: content.readUInt16BE(3) };
  assertDecodable(outline);
  const [precision, components] = [content[0]!, content[5]!];
  if (precision !== 8) throw damaged(`it has ${precision} bits in a sample: 8 are decoded`);
  if (![1, 3, 4].includes(components)) throw damaged(`it has ${components} components`);
  return outline;
}

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
