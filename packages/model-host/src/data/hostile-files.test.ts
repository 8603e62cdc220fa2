import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { specFor } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openRegular } from './data-files.js';
import { loadDataset, ownData } from './load-dataset.js';

const SECOND = 1000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-hostile-'));
  await writeFile(join(folder, 'train-images-idx3-ubyte'), idx([6, 1, 2], 12));
  await writeFile(join(folder, 'train-labels-idx1-ubyte'), idx([6], 6));
  await writeFile(join(folder, 't10k-images-idx3-ubyte'), idx([3, 1, 2], 6));
  await writeFile(join(folder, 't10k-labels-idx1-ubyte'), idx([3], 3));
});
afterEach(() => rm(folder, { recursive: true }));

/** A file whose header says `shape`, with `bytes` of content. */
function idx(shape: readonly number[], bytes: number): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 | shape.length);
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([header, Buffer.from(Array.from({ length: bytes }, (_, i) => i % 251))]);
}

const spec = () => specFor('bare', { batchSize: 2, data: { kind: 'idx', folder, validation: 2 } });

/** Loads the folder. @returns why not, within a second */
async function refusal(limits = AdmissionLimits.parse({})): Promise<Error> {
  const began = performance.now();
  const error: unknown = await loadDataset(spec(), ownData(limits)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(performance.now() - began).toBeLessThan(SECOND);
  if (error instanceof Error) return error;
  throw new Error('the data were read');
}

const images = () => join(folder, 'train-images-idx3-ubyte');

/** Puts something in the place of the training images. */
async function instead(put: (path: string) => unknown, ending = ''): Promise<void> {
  await rm(images());
  await put(images() + ending);
}

test('the folder is read when nothing is wrong with it', async () => {
  expect((await loadDataset(spec())).train.count).toBe(4);
});

describe('within a second and by name is refused', () => {
  test('a pipe that nobody writes to', async () => {
    await instead((path) => execFileSync('mkfifo', [path]));
    expect((await refusal()).message).toBe(`${images()} is a pipe, not a regular file`);
  });

  test('a symbolic link, even to a dataset', async () => {
    await instead(async (path) => {
      await writeFile(join(folder, 'elsewhere'), idx([6, 1, 2], 12));
      await symlink('elsewhere', path);
    });
    expect((await refusal()).message).toBe(`${images()} is a symbolic link, not a regular file`);
  });

  test('a symbolic link to an endless device', async () => {
    await instead((path) => symlink('/dev/zero', `${path}`), '.gz');
    expect((await refusal()).message).toBe(`${images()}.gz is a symbolic link, not a regular file`);
  });

  test('an endless device', async () => {
    await expect(openRegular('/dev/zero')).rejects.toThrow('/dev/zero is a device, not a regular file');
  });

  test('a socket', async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    await instead(async (path) => once(server.listen(path), 'listening'));
    expect((await refusal()).message).toBe(`${images()} is a socket, not a regular file`);
  });

  test('a folder', async () => {
    await instead((path) => mkdir(path));
    expect((await refusal()).message).toBe(`${images()} is a folder, not a regular file`);
  });

  test('another file, of which no byte is quoted', async () => {
    await writeFile(images(), 'root:x:0:0:secret');
    expect((await refusal()).message).toBe(
      `${images()}: expected an IDX file of unsigned bytes, which starts with 00 00 08`,
    );
  });

  test('a gzip file of nothing but zeros', async () => {
    await instead((path) => writeFile(path, gzipSync(Buffer.alloc(50_000_000))), '.gz');
    expect((await refusal()).message).toMatch(/train-images-idx3-ubyte\.gz: expected an IDX file/);
  });

  test('a gzip file that unpacks to more than its header says', async () => {
    await instead(
      (path) => writeFile(path, gzipSync(idx([6, 1, 2], 0).toString('latin1') + ' '.repeat(50_000_000))),
      '.gz',
    );
    expect((await refusal()).message).toMatch(/shape 6x1x2 needs 28 bytes with its header, found more$/);
  });

  test('a gzip file whose images unpack to more than a hundred times its bytes', async () => {
    const header = idx([100_000, 32, 32], 0);
    await instead((path) => writeFile(path, gzipSync(Buffer.concat([header, Buffer.alloc(102_400_000)]))), '.gz');
    expect((await refusal()).message).toMatch(
      /shape 100000x32x32 needs 102400016 bytes with its header, found a gzip file of \d+ bytes, which is less than a 100th of it$/,
    );
  });

  test('a gzip file that is too short for its header, whatever it unpacks to', async () => {
    await instead((path) => writeFile(path, gzipSync(idx([1e6, 1, 2], 2))), '.gz');
    expect((await refusal()).message).toMatch(/found a gzip file of \d+ bytes, which is less than a 1032th of it$/);
  });

  test('a gzip file that is cut', async () => {
    const whole = gzipSync(idx([6, 1, 2], 12));
    await instead((path) => writeFile(path, whole.subarray(0, -10)), '.gz');
    expect((await refusal()).message).toMatch(/gzip of \d+ bytes does not unpack: unexpected end of file$/);
  });

  test('a header of more images than the file has', async () => {
    await writeFile(images(), idx([0xffff_ffff, 1000, 1000], 12));
    expect((await refusal()).message).toMatch(/needs 4294967295000016 bytes with its header, found 28$/);
  });

  test('a header of images above a limit, before they are read', async () => {
    const most = AdmissionLimits.parse({ imageBytes: 1 });
    expect((await refusal(most)).message).toContain('data: 2 bytes in an image, limit admission.imageBytes: 1');
  });

  test('labels of more classes than the limit, before the images are read', async () => {
    const most = AdmissionLimits.parse({ classes: 5 });
    expect((await refusal(most)).message).toContain('data: 6 classes, limit admission.classes: 5');
  });
});
