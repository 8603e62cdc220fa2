import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { DataSpec } from '@trikd/core/spec/data-spec';
import { greyPng } from '@trikd/testing/images/png-file';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runProgram } from '../../program.js';
import { dataSetOf } from './sets.js';

const never = new AbortController().signal;
let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'trikd-sets-'));
  vi.stubEnv('TRIKD_CACHE', cache);
  vi.stubEnv('TRIKD_DATA', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

async function trikd(...words: readonly string[]) {
  const shell = {
    ...{ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() },
    ...{ env: { PATH: process.env['PATH'] }, rest: never, end: never },
  };
  const status = await runProgram(['data', ...words], shell);
  const textOf = (output: PassThrough) => String(output.end().read() ?? '');
  return { status, out: textOf(shell.stdout), error: textOf(shell.stderr) };
}

/** Files of Fashion-MNIST by name, with other content. */
async function putOthers(): Promise<string> {
  const folder = join(cache, 'fashion-mnist');
  await mkdir(folder);
  for (const { path } of dataSetOf('fashion-mnist').files) await writeFile(join(folder, `${path}.gz`), gzipSync(path));
  return folder;
}

describe('trikd data list', () => {
  test('says of each set what it is, its licence, how a spec names it, and where it is', async () => {
    const folder = await putOthers();
    const { out } = await trikd('list', '-o', 'json');
    const sets: Record<string, unknown>[] = JSON.parse(out);
    expect(sets.map(({ name }) => name)).toEqual([
      'fashion-mnist',
      'mnist',
      'emoji-classes',
      'emoji-identities',
      'photo-patches',
      'cifar-10',
      'cifar-100',
    ]);
    for (const { name, data, licence } of sets) {
      expect(licence).not.toBe('');
      expect(DataSpec.parse(data)).toMatchObject({ name });
    }
    expect(sets.map((set) => set['folder'])).toEqual([folder, ...new Array(6).fill(undefined)]);
  });

  test('prints a table', async () => {
    const { out } = await trikd('list');
    expect(out).toMatch(/│ mnist .* │ +12 │ none stated +│ not pulled +│/);
  });
});

describe('trikd data verify', () => {
  test('names every file of a set with other data, and those that are missing', async () => {
    const folder = await putOthers();
    await rm(join(folder, 't10k-labels-idx1-ubyte.gz'));
    const { status, error } = await trikd('verify');
    expect(status).toBe(1);
    expect(error).toMatch(/fashion-mnist has 4 problems:\n {2}train-images-idx3-ubyte\.gz: holds other data: SHA-256 /);
    expect(error).toMatch(/\n {2}t10k-labels-idx1-ubyte\.gz: is missing/);
  });

  test('a file that unpacks to thousands of times its size is not unpacked to its end', async () => {
    const folder = await putOthers();
    await writeFile(join(folder, 'train-images-idx3-ubyte.gz'), gzipSync(Buffer.alloc(300 * 1024 ** 2)));
    const { error } = await trikd('verify', 'fashion-mnist');
    expect(error).toContain('train-images-idx3-ubyte.gz: unpacks to too many bytes');
  });

  test('compares shards with their manifest', async () => {
    for (let i = 0; i < 12; i++) {
      await mkdir(join(cache, 'photos', `${i % 2}`), { recursive: true });
      await writeFile(join(cache, 'photos', `${i % 2}`, `${i}.png`), greyPng(i));
    }
    const shards = join(cache, 'shards');
    await trikd('convert', join(cache, 'photos'), shards, '--to', 'shards', '--test', '2');
    expect((await trikd('verify', shards)).out).toBe(`${shards}: 4 files have the SHA-256 that shards.json says\n`);
    await truncate(join(shards, 'train-00000.bin'), 5);
    const { status, error } = await trikd('verify', shards);
    expect([status, error]).toEqual([1, expect.stringContaining('train-00000.bin: holds other data')]);
  });

  test.each([
    [['mnist'], 'mnist is not on this machine: run `trikd data pull mnist`'],
    [['gone'], 'there is no shards.json in gone'],
  ])('of %j says what is missing', async (places, message) => {
    const { status, error } = await trikd('verify', ...places);
    expect([status, error]).toEqual([1, expect.stringContaining(message)]);
  });
});

describe('trikd data pull', () => {
  test('refuses an archive that is not the one of the set, and nothing of it stays', async () => {
    const archive = join(cache, 'archive.tar.gz');
    await writeFile(archive, 'another');
    const { status, error } = await trikd('pull', 'cifar-10', '--from', archive);
    expect(status).toBe(1);
    expect(error).toMatch(
      /fetch-cifar: \S+archive\.tar\.gz is not the archive of cifar-10: sha256 \w{64}, expected c4a38c/,
    );
    expect((await readdir(cache)).filter((name) => !/^\.|\.partial-/.test(name))).toEqual(['archive.tar.gz']);
  });

  test('says which file is damaged of a set that is there', async () => {
    await putOthers();
    const { status, error } = await trikd('pull', 'fashion-mnist');
    expect([status, error]).toEqual([1, expect.stringContaining('holds other data')]);
    expect(error).toContain('fashion-mnist: licence MIT, Zalando SE; from the Debian package dataset-fashion-mnist');
  });

  test.each([
    [['imagenet'], 'there is no data set imagenet to pull: there are fashion-mnist, mnist'],
    [['mnist', '--from', 'file'], '--from is for sets that are archives, and mnist is fetched as a package'],
    [['cifar-10', 'cifar-100', '--from', 'file'], '--from is the archive of one set: name one'],
    [['cifar-10', '--from', 'gone.tar.gz'], 'there is no file gone.tar.gz'],
  ])('of %j is refused', async (words, message) => {
    const { status, error } = await trikd('pull', ...words);
    expect([status, error]).toEqual([1, expect.stringContaining(message)]);
  });
});
