import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { greyPng, pngChunk, pngFile, pngOf } from '@trikd/testing/images/png-file';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { encode } from 'jpeg-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSource } from '../load-dataset.js';

const SECOND = 1000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-hostile-images-'));
  for (const name of ['cat', 'dog']) {
    await mkdir(join(folder, name));
    for (let i = 0; i < 4; i++) await writeFile(join(folder, name, `${i}.png`), greyPng(name.length + i + 9));
  }
});
afterEach(() => rm(folder, { recursive: true }));

const bad = () => join(folder, 'cat', 'bad.png');

/** Loads the folder. @returns why not, within a second */
async function refusal(): Promise<string> {
  const data = { kind: 'images', folder, size: [4, 4], validation: 1 };
  const began = performance.now();
  const error: unknown = await loadSource(RunSpec.parse({ ...writtenSpec('bare'), batchSize: 1, data })).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(performance.now() - began).toBeLessThan(SECOND);
  if (error instanceof Error) return error.message;
  throw new Error('the images were read');
}

/** A JPEG file of noise. */
function photo(height = 16, width = 16): Buffer {
  const data = Buffer.from(Array.from({ length: 4 * height * width }, (_, i) => (i * 7919) % 251));
  return encode({ height, width, data }, 80).data;
}

/** Changes the header of a JPEG file of one frame. */
function withFrame(file: Buffer, change: (frame: Buffer) => void): Buffer {
  const copy = Buffer.from(file);
  change(copy.subarray(copy.indexOf(Buffer.of(0xff, 0xc0))));
  return copy;
}

const png = (side: number, packed: Uint8Array, interlace = 0) =>
  pngOf({ height: side, width: side, interlace }, 1, packed);
const zeros = (length: number) => deflateSync(Buffer.alloc(length));

describe('is refused by name and within a second:', () => {
  const flipped = greyPng(1);
  flipped[45]! ^= 1;
  test.each([
    ['a file of another format', Buffer.from('GIF89a and so on'), 'it is neither PNG nor JPEG'],
    ['an empty file', Buffer.of(), 'it is neither PNG nor JPEG'],
    ['text, of which nothing is quoted', Buffer.from('root:x:0:0:secret'), 'it is neither PNG nor JPEG'],
    ['a PNG file that is cut in its header', greyPng(1).subarray(0, 20), 'it is cut off'],
    ['a PNG file that is cut in its pixels', greyPng(1).subarray(0, -20), 'it is cut off'],
    ['a PNG file without its end', greyPng(1).subarray(0, -12), 'it is cut off'],
    ['a PNG file with a flipped bit', flipped, 'its pixels do not unpack'],
    [
      'a PNG header of 4 billion pixels on a side',
      png(0xffff_ffff, zeros(9)),
      'its header says 4294967295x4294967295 pixels, and at most 16777216',
    ],
    ['a PNG header without pixels', png(0, zeros(9)), 'its header says 0x0 pixels'],
    ['a PNG header of a line', pngOf({ height: 1, width: 1e6 }, 1, zeros(9)), 'its header says 1x1000000 pixels'],
    ['a PNG bomb', png(4, zeros(100_000_000)), 'its pixels unpack to more bytes instead of 20'],
    ['an interlaced PNG bomb', png(4, zeros(100_000_000), 1), 'its pixels unpack to more bytes instead of'],
    ['a PNG file of too few pixels', png(4, zeros(19)), 'its pixels unpack to 19 bytes instead of 20'],
    ['a JPEG file that is cut', photo().subarray(0, -30), 'it is cut off'],
    ['a JPEG file that is cut in its header', photo().subarray(0, 30), 'it is cut off'],
    [
      'a JPEG header of 65,535 pixels on a side',
      withFrame(photo(), (frame) => frame.writeUInt32BE(0xffff_ffff, 5)),
      'its header says 65535x65535 pixels, and at most',
    ],
    [
      'a JPEG header without rows',
      withFrame(photo(), (frame) => frame.writeUInt16BE(0, 5)),
      'its header says 0x16 pixels',
    ],
    ['a JPEG file of 12 bits', withFrame(photo(), (frame) => frame.writeUInt8(12, 4)), 'it has 12 bits in a sample'],
    [
      'a JPEG file of arithmetic coding',
      withFrame(photo(), (frame) => frame.writeUInt8(0xc9, 1)),
      'it is lossless, hierarchical or of arithmetic coding',
    ],
    [
      'a JPEG file whose pixels are of a larger picture',
      withFrame(photo(), (frame) => frame.writeUInt16BE(4096, 5)),
      'it does not decode',
    ],
  ])('%s', async (_what, content, message) => {
    await writeFile(bad(), content);
    expect(await refusal()).toContain(`\n  cat/bad.png: ${message}`);
  });

  test('a compressed profile that unpacks to anything is not unpacked', async () => {
    const file = pngFile({ height: 4, width: 4 }, Buffer.alloc(16, 7));
    const bomb = pngChunk('iCCP', Buffer.concat([Buffer.from('p\0\0'), zeros(1e8)]));
    await writeFile(bad(), Buffer.concat([file.subarray(0, 33), bomb, file.subarray(33)]));
    await writeFile(join(folder, 'dog', 'bad.png'), 'damaged');
    expect(await refusal()).toMatch(/ has 1 problem:\n {2}dog\/bad.png/);
  });

  test('a file of more bytes than a picture has', async () => {
    await writeFile(bad(), greyPng(1));
    await truncate(bad(), 1e9);
    expect(await refusal()).toContain('cat/bad.png: it has 1000000000 bytes: at most 67108864 are read');
  });

  test('a folder with the name of a file', async () => {
    await mkdir(bad());
    expect(await refusal()).toContain('cat/bad.png: is a folder in the folder of a class');
  });

  test('a symbolic link, even to an image', async () => {
    await symlink('0.png', bad());
    expect(await refusal()).toContain('cat/bad.png: is a symbolic link, which is not followed');
  });

  test('a loop of symbolic links among the classes', async () => {
    await symlink(folder, join(folder, 'loop'));
    expect(await refusal()).toContain('loop: is a symbolic link, which is not followed');
  });

  test('a pipe that nobody writes to', async () => {
    execFileSync('mkfifo', [bad()]);
    expect(await refusal()).toContain('cat/bad.png: is not a regular file');
  });

  test('a file of another ending, and a class without images', async () => {
    await writeFile(join(folder, 'cat', 'Thumbs.db'), 'x');
    await mkdir(join(folder, 'eel'));
    const message = await refusal();
    expect(message).toContain('cat/Thumbs.db: is named neither .png nor .jpg or .jpeg');
    expect(message).toContain('eel: is a folder without images');
  });
});

test('all damaged files are reported at once: 32 by name, the others counted', async () => {
  for (let i = 0; i < 40; i++) await writeFile(join(folder, 'dog', `bad-${String(i).padStart(2, '0')}.jpg`), 'x');
  const lines = (await refusal()).split('\n');
  expect(lines[0]).toBe(`${folder} has 40 problems:`);
  expect(lines.slice(1, 33)).toEqual(
    Array.from({ length: 32 }, (_, i) => `  dog/bad-${String(i).padStart(2, '0')}.jpg: it is neither PNG nor JPEG`),
  );
  expect(lines.slice(33)).toEqual(['  and 8 more']);
});

test('what a decoder makes of a damaged file is an error of that file, whichever byte is damaged', async () => {
  const file = photo(8, 8);
  for (let at = 0; at < file.length; at += 7) {
    const damaged = Buffer.from(file);
    damaged[at] = 0xff - damaged[at]!;
    await writeFile(join(folder, 'dog', `${at}.jpg`), damaged);
  }
  await writeFile(bad(), 'x');
  expect(await refusal()).toContain('cat/bad.png: it is neither PNG nor JPEG');
});
