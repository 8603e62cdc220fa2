import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Colour types of PNG by samples of a pixel. */
const COLOURS = [0, 0, 4, 2, 6];

/** What a file says of itself, which may be wrong. */
export interface PngClaims {
  readonly height: number;
  readonly width: number;
  /** 1 for a header that claims to be interlaced. */
  readonly interlace?: number;
}

/** A chunk of a PNG file. */
export function pngChunk(kind: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(kind), content]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/** A PNG file of 8 bits, whose rows are not filtered. @param pixels height x width x samples, of 1 to 4 samples */
export function pngFile({ height, width }: PngClaims, pixels: Uint8Array): Buffer {
  const stride = pixels.length / height;
  const rows = Array.from({ length: height }, (_, y) => [Buffer.of(0), pixels.subarray(y * stride, (y + 1) * stride)]);
  return pngOf({ height, width }, stride / width, deflateSync(Buffer.concat(rows.flat())));
}

/** A PNG file with this compressed content, whatever its header says. */
export function pngOf({ height, width, interlace = 0 }: PngClaims, samples: number, packed: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, COLOURS[samples]!, 0, 0, interlace], 8);
  const chunks = [pngChunk('IHDR', header), pngChunk('IDAT', packed), pngChunk('IEND', Buffer.of())];
  return Buffer.concat([SIGNATURE, ...chunks]);
}

/** A small picture that no other seed has, in grey. */
export function greyPng(seed: number, side = 4): Buffer {
  const pixels = Uint8Array.from({ length: side * side }, (_, i) => (seed * 7919 + i * 104_729) % 251);
  return pngFile({ height: side, width: side }, pixels);
}
