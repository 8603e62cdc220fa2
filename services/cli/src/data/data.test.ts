import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { decodeImage } from '@trikd/model-host/data/images/image-codec';
import { npyFile, zipFile } from '@trikd/testing/images/npz-file';
import { greyPng } from '@trikd/testing/images/png-file';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runProgram } from '../program.js';

const never = new AbortController().signal;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(path: string, content: Uint8Array | string): Promise<string> {
  const whole = join(folder, path);
  await mkdir(dirname(whole), { recursive: true });
  await writeFile(whole, content);
  return whole;
}

/** Pictures of two classes, one twice as large as the other. */
async function putPhotos(): Promise<string> {
  for (let i = 0; i < 12; i++) await put(`photos/${i % 3 === 0 ? 'cat' : 'dog'}/${i}.png`, greyPng(i, 6));
  return join(folder, 'photos');
}

async function trikd(...words: readonly string[]) {
  const shell = {
    ...{ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() },
    ...{ env: {}, rest: never, end: never },
  };
  const status = await runProgram(words, shell);
  const textOf = (output: PassThrough) => String(output.end().read() ?? '');
  return { status, out: textOf(shell.stdout), error: textOf(shell.stderr) };
}

describe('trikd data inspect', () => {
  test('counts the images of a folder, of the size of the first', async () => {
    const { out, error } = await trikd('data', 'inspect', await putPhotos(), '--validation', '2', '-o', 'json');
    expect(error).toBe('');
    const found = JSON.parse(out);
    expect(found).toMatchObject({ height: 6, width: 6, channels: 3, classes: 2 });
    expect([found.train.images, found.validation.images, found.test.images]).toEqual([8, 2, 2]);
    const totals = found.images.map(({ name, train, validation, test }: Record<string, number>) => [
      name,
      train! + validation! + test!,
    ]);
    expect(totals).toEqual([
      ['cat', 4],
      ['dog', 8],
    ]);
    expect(found.mean).toHaveLength(3);
    expect(found.std[0]).toBeGreaterThan(0);
  });

  test('prints a table, in which classes have their names', async () => {
    const { out } = await trikd(
      'data',
      'inspect',
      await putPhotos(),
      '--validation',
      '2',
      '--size',
      '4x3',
      '--channels',
      '1',
    );
    expect(out).toMatch(/photos: 8 training, 2 validation and 2 test images of 2 classes, 4x3 with 1 channel\n/);
    expect(out).toMatch(/│ 0 +│ cat +│/);
  });

  test('writes a contact sheet after augmentation', async () => {
    const sheet = join(folder, 'sheet.png');
    await trikd('data', 'inspect', await putPhotos(), '--validation', '2', '--sheet', sheet);
    const { height, width, rgba } = decodeImage(await readFile(sheet));
    expect([height, width]).toEqual([2 * 62 + 2, 12 * 62 + 2]);
    // A crop leaves a black border.
    expect(rgba.includes(0)).toBe(true);
  });

  test('reads a file of NumPy', async () => {
    const arrays = {
      'images.npy': npyFile(
        '|u1',
        [8, 1, 2],
        Uint8Array.from({ length: 16 }, (_, i) => i),
      ),
      'labels.npy': npyFile(
        '|u1',
        [8],
        Uint8Array.from({ length: 8 }, (_, i) => i % 2),
      ),
    };
    const path = await put('pairs.npz', zipFile(arrays));
    const { out } = await trikd('data', 'inspect', path, '--validation', '2', '--test', '1', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ data: path, train: { images: 5 }, test: { images: 1 } });
  });

  test('reads the data of a spec, with the settings that change it', async () => {
    const path = await put(
      'run.yaml',
      'name: r\nmethod: ce\nepochs: 1\nstudent: { model: { kind: plain-cnn, channels: [2] } }\ndata: { kind: synthetic }\n',
    );
    const { out } = await trikd(
      'data',
      'inspect',
      path,
      '--set',
      'data.train=40',
      '--set',
      'batchSize=4',
      '-o',
      'json',
    );
    expect(JSON.parse(out)).toMatchObject({ data: 'synthetic images of seed 0', classes: 4, train: { images: 40 } });
  });

  test('reads what a module returns, which a spec names by its file', async () => {
    vi.stubEnv('TRIKD_MODULES', join(folder, 'kept'));
    const text = `export default () => ({ height: 1, width: 1, channels: 1,
      train: { images: Uint8Array.from({ length: 9 }, (_, i) => i), labels: [0, 1, 0, 1, 0, 1, 0, 1, 0] } });`;
    await put('mine/data.ts', text);
    const path = await put(
      'run.yaml',
      'name: r\nmethod: ce\nepochs: 1\nbatchSize: 1\nstudent: { model: { kind: plain-cnn, channels: [2] } }\ndata: { kind: module, file: mine/data.ts, validation: 2 }\n',
    );
    const { out } = await trikd('data', 'inspect', path, '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ data: 'data.ts', classes: 2, train: { images: 5 }, test: { images: 2 } });
    vi.unstubAllEnvs();
  });

  test('names every damaged file, and ends with 1', async () => {
    const photos = await putPhotos();
    for (const name of ['a.png', 'b.jpg']) await put(`photos/dog/${name}`, 'damaged');
    const { status, error, out } = await trikd('data', 'inspect', photos, '--size', '4');
    expect([status, out]).toEqual([1, '']);
    expect(error).toMatch(/has 2 problems:\n {2}dog\/a\.png: .*\n {2}dog\/b\.jpg: /);
  });

  test.each([
    ['gone', 'there is no file or folder'],
    ['.', 'expected a subfolder of PNG or JPEG files for each class'],
  ])('of %j says what it expects', async (path, message) => {
    const { status, error } = await trikd('data', 'inspect', join(folder, path));
    expect([status, error]).toEqual([1, expect.stringContaining(message)]);
  });

  test.each(['0', '4x', 'x4', '4x4x4', '99999'])('refuses the size %j', async (size) => {
    expect((await trikd('data', 'inspect', folder, '--size', size)).status).toBe(2);
  });
});

describe('trikd data convert', () => {
  test('writes IDX files, which hold the same images', async () => {
    const out = join(folder, 'out');
    const photos = await putPhotos();
    const converted = await trikd('data', 'convert', photos, out, '--to', 'idx', '--size', '4', '--test', '3');
    expect(converted.error).toBe('');
    expect(
      converted.out
        .trimEnd()
        .split('\n')
        .map((path) => path.slice(out.length + 1)),
    ).toEqual([
      'train-images-idx3-ubyte',
      'train-labels-idx1-ubyte',
      't10k-images-idx3-ubyte',
      't10k-labels-idx1-ubyte',
      'classes.txt',
    ]);
    const read = async (...words: string[]) => {
      const { out } = await trikd('data', 'inspect', ...words, '--validation', '2', '-o', 'json');
      const { digest, train, test } = JSON.parse(out);
      return { digest, train, test };
    };
    expect(await read(out)).toEqual(await read(photos, '--size', '4', '--test', '3'));
  });

  test('writes shards, which hold the same images', async () => {
    const out = join(folder, 'out');
    const photos = await putPhotos();
    const converted = await trikd('data', 'convert', photos, out, '--to', 'shards', '--size', '4', '--test', '3');
    expect(converted.error).toBe('');
    expect((await readdir(out)).sort()).toEqual([
      'shards.json',
      'test-00000.bin',
      'test-labels.bin',
      'train-00000.bin',
      'train-labels.bin',
    ]);
    expect((await readdir(folder)).sort()).toEqual(['out', 'photos']);
    const digestOf = async (...words: string[]) => {
      const { out } = await trikd('data', 'inspect', ...words, '--validation', '2', '-o', 'json');
      return JSON.parse(out).digest;
    };
    expect(await digestOf(out)).toEqual(await digestOf(photos, '--size', '4', '--test', '3'));
  });

  test('does not write data that cannot be read', async () => {
    await put('photos/cat/1.png', 'damaged');
    await put('photos/dog/1.png', greyPng(1));
    const { status } = await trikd(
      'data',
      'convert',
      join(folder, 'photos'),
      join(folder, 'out'),
      '--to',
      'idx',
      '--size',
      '4',
    );
    expect([status, await readdir(folder)]).toEqual([1, ['photos']]);
  });
});
