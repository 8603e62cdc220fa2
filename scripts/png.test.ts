import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('.', import.meta.url));
const [WIDTH, HEIGHT] = [5, 7];
const READ = 'import json, sys, png; print(json.dumps(png.decode(sys.stdin.buffer.read()).pixels))';

/** What png.py reads in the bytes of a file, or says of them. */
function decoded(file: Buffer): { readonly pixels?: readonly (readonly number[])[]; readonly error?: string } {
  const { stdout, stderr } = spawnSync('python3', ['-c', READ], { cwd: SCRIPTS, input: file, encoding: 'utf8' });
  return stdout === '' ? { error: stderr.trim().split('\n').at(-1)! } : { pixels: JSON.parse(stdout) };
}

function chunk(kind: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(kind), content]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/** Filters the rows of a picture, each in another way, as the standard defines it. */
function filtered(rows: readonly Uint8Array[], step: number): Buffer {
  return Buffer.concat(
    rows.map((row, y) => {
      const kind = y % 5;
      const line = Uint8Array.from(row, (value, i) => {
        const [left = 0, up = 0, corner = 0] = [row[i - step], rows[y - 1]?.[i], rows[y - 1]?.[i - step]];
        const guess = left + up - corner;
        const [nearest] = [left, up, corner].sort((a, b) => Math.abs(guess - a) - Math.abs(guess - b));
        return value - [0, left, up, Math.floor((left + up) / 2), nearest!][kind]!;
      });
      return Buffer.concat([Buffer.of(kind), line]);
    }),
  );
}

interface Format {
  readonly colourType: number;
  readonly depth: number;
  readonly interlaced?: number;
  readonly more?: readonly Buffer[];
}

function png(
  rows: readonly Uint8Array[],
  step: number,
  { colourType, depth, interlaced = 0, more = [] }: Format,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH);
  header.writeUInt32BE(rows.length, 4);
  header.set([depth, colourType, 0, 0, interlaced], 8);
  const data = deflateSync(filtered(rows, step));
  // In two pieces, as large files come.
  const pieces = [data.subarray(0, 9), data.subarray(9)].map((piece) => chunk('IDAT', piece));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), ...more, ...pieces, chunk('IEND', Buffer.of())]);
}

/** Numbers that no filter leaves as they are. */
const noise = (count: number, most: number) =>
  Uint8Array.from({ length: count }, (_, i) => Math.floor((((i * 7919 + 13) * 104729) % 65_537) / (65_537 / most)));
const rowsOf = (samples: number, most = 256) =>
  Array.from({ length: HEIGHT }, (_, y) => noise((y + 1) * WIDTH * samples, most).subarray(y * WIDTH * samples));
const pixelsOf = (rows: readonly Uint8Array[], samples: number) =>
  rows.flatMap((row) => Array.from({ length: WIDTH }, (_, x) => [...row.subarray(x * samples, (x + 1) * samples)]));

describe('the pixels of a file are read, whatever filters its rows have:', () => {
  test.each([
    ['grey', 0, 1, ([grey]: number[]) => [grey, grey, grey, 255]],
    ['colour', 2, 3, (colour: number[]) => [...colour, 255]],
    ['grey and alpha', 4, 2, ([grey, alpha]: number[]) => [grey, grey, grey, alpha]],
    ['colour and alpha', 6, 4, (all: number[]) => all],
  ] as const)('%s', (_what, colourType, samples, expected) => {
    const rows = rowsOf(samples);
    const { pixels } = decoded(png(rows, samples, { colourType, depth: 8 }));
    expect(pixels).toEqual(pixelsOf(rows, samples).map(expected));
  });

  test.each([1, 2, 4, 8])('a palette of %d bits', (depth) => {
    const colours = Math.min(9, 2 ** depth);
    const indices = rowsOf(1, colours);
    const packed = indices.map((row) => {
      const bytes = new Uint8Array(Math.ceil((WIDTH * depth) / 8));
      for (const [x, index] of row.entries())
        bytes[Math.floor((x * depth) / 8)]! |= index << (8 - depth - ((x * depth) % 8));
      return bytes;
    });
    const table = noise(3 * colours, 256);
    // The last colour has no alpha of its own: it is opaque.
    const alpha = noise(colours - 1, 256);
    const more = [chunk('PLTE', table), chunk('tRNS', alpha)];
    const { pixels } = decoded(png(packed, 1, { colourType: 3, depth, more }));
    expect(pixels).toEqual(
      indices.flatMap((row) => [...row].map((i) => [...table.subarray(3 * i, 3 * i + 3), alpha[i] ?? 255])),
    );
  });

  test('colour, one of which is transparent', () => {
    const rows = rowsOf(3);
    const [clear] = pixelsOf(rows, 3);
    const more = [chunk('tRNS', Buffer.from(clear!.flatMap((sample) => [0, sample])))];
    const { pixels } = decoded(png(rows, 3, { colourType: 2, depth: 8, more }));
    expect(pixels).toEqual(pixelsOf(rows, 3).map((colour) => [...colour, String(colour) === String(clear) ? 0 : 255]));
  });
});

test.each([
  ['of another format', Buffer.from('GIF89a'), 'png.Unreadable: no PNG file'],
  ['that is interlaced', png(rowsOf(4), 4, { colourType: 6, depth: 8, interlaced: 1 }), 'interlaced: True'],
  ['of 16 bits', png(rowsOf(8), 8, { colourType: 6, depth: 16 }), 'colour type 6 of 16 bits'],
  [
    'with a flipped bit',
    png(rowsOf(4), 4, { colourType: 6, depth: 8 }).map((byte, i) => (i === 66 ? byte ^ 1 : byte)),
    "chunk b'IDAT' has another checksum",
  ],
])('a file %s is refused by name', (_what, file, message) => {
  expect(decoded(Buffer.from(file)).error).toContain(message);
});
