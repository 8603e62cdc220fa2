import { assertDecodable, damaged, type Outline } from './outline.js';

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
