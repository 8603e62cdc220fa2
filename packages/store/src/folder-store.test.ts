import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeStoreContract } from '../../testing/src/stores/store.contract.js';
import { openFolderStore } from './folder-store.js';
import { folderError } from './staging.js';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'trikd-store-'));
});
afterAll(() => rm(scratch, { recursive: true }));

const newFolder = (): Promise<string> => mkdtemp(join(scratch, 'store-'));

describeStoreContract('the folder', async () => {
  const folder = join(await newFolder(), 'made', 'on', 'the', 'way');
  return [await openFolderStore(folder), await openFolderStore(folder), await openFolderStore(folder)];
});

test('an object is the file of its key', async () => {
  const folder = await newFolder();
  await (await openFolderStore(folder)).put('runs/tiny/state.json', text('{}'));
  expect(await readFile(join(folder, 'runs', 'tiny', 'state.json'), 'utf8')).toBe('{}');
});

test('a reader of A cannot replace an A written after B', async () => {
  const store = await openFolderStore(await newFolder());
  for (const write of ['put', 'replace'] as const) {
    await store.put('a', text('A'));
    const read = (await store.get('a'))!.version;
    for (const content of ['B', 'A']) {
      if (write === 'put') await store.put('a', text(content));
      else expect(await store.replace('a', text(content), (await store.get('a'))!.version)).toBe('replaced');
    }
    expect(await store.replace('a', text('C'), read)).toBe('conflict');
  }
});

test('a reader of an object cannot replace equal bytes created after its removal', async () => {
  const store = await openFolderStore(await newFolder());
  const versions = new Set<string>();
  for (let i = 0; i < 30; i++) {
    await store.create('a', text('A'));
    const { version } = (await store.get('a'))!;
    await store.remove('a');
    versions.add(version);
  }
  expect(versions.size).toBe(30);
});

test('every write is later than the previous one, even if the clock is set back', async () => {
  const folder = await newFolder();
  const store = await openFolderStore(folder);
  await store.put('a', text('A'));
  const tomorrow = Date.now() / 1000 + 86_400;
  await utimes(join(folder, 'a'), tomorrow, tomorrow);
  for (let i = 0; i < 5; i++) {
    const before = await stat(join(folder, 'a'), { bigint: true });
    await store.put('a', text('A'));
    const after = await stat(join(folder, 'a'), { bigint: true });
    expect(after.mtimeNs).toBeGreaterThan(before.mtimeNs);
  }
});

test('opening a store removes the staged files of dead writers, and keeps those of living ones', async () => {
  const folder = await newFolder();
  const living = await openFolderStore(folder);
  const [own] = await readdir(join(folder, '~staging'));
  await mkdir(join(folder, '~staging', 'dead'));
  await writeFile(join(folder, '~staging', 'dead', '7'), 'half of');
  const store = await openFolderStore(folder);
  const left = await readdir(join(folder, '~staging'));
  expect(left).toContain(own);
  expect(left).not.toContain('dead');
  await living.put('a', text('1'));
  expect(await store.list('')).toEqual(['a']);
});

test('no staged file remains after a write, whether it succeeded or not', async () => {
  const folder = await newFolder();
  const store = await openFolderStore(folder);
  await store.put('a', text('1'));
  await store.create('a', text('2'));
  await store.replace('a', text('3'), 'none');
  const [own] = await readdir(join(folder, '~staging'));
  expect(await readdir(join(folder, '~staging', own!))).toEqual(['in-use']);
});

test('a listing contains objects only', async () => {
  const folder = await newFolder();
  const store = await openFolderStore(folder);
  await store.put('a/b', text('1'));
  await writeFile(join(folder, 'a', 'editor~'), 'not an object');
  await mkdir(join(folder, 'empty'));
  expect(await store.list('')).toEqual(['a/b']);
});

test('a key that runs through another object is rejected', async () => {
  const store = await openFolderStore(await newFolder());
  await store.put('a', text('1'));
  await store.put('b/c', text('1'));
  await expect(store.put('a/b', text('2'))).rejects.toMatchObject({ kind: 'invalid' });
  await expect(store.put('b', text('2'))).rejects.toMatchObject({ kind: 'invalid' });
  await expect(store.put('x'.repeat(300), text('2'))).rejects.toMatchObject({ kind: 'invalid' });
  expect(await store.list('')).toEqual(['a', 'b/c']);
});

test('a prefix cannot leave the folder', async () => {
  const store = await openFolderStore(await newFolder());
  await expect(store.list('../')).rejects.toMatchObject({ kind: 'invalid' });
  expect(await store.list('..')).toEqual([]);
});

test('a folder that cannot be created is named', async () => {
  const file = join(await newFolder(), 'file');
  await writeFile(file, '');
  const folder = join(file, 'store');
  await expect(openFolderStore(folder)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(`store ${folder}: `),
  });
});

test('where no folder can be created, opening fails at once', async () => {
  await expect(openFolderStore('/dev/null/store')).rejects.toThrow('store /dev/null/store: ');
});

test('a folder that vanished is named', async () => {
  const folder = await newFolder();
  const store = await openFolderStore(folder);
  await rm(folder, { recursive: true });
  await expect(store.put('a', text('1'))).rejects.toThrow(`store ${folder}: `);
  await expect(store.put('a', text('1'))).rejects.toMatchObject({ kind: 'unavailable' });
});

test.each([
  ['ENOSPC', 'unavailable', 'store /data: the disk is full (ENOSPC)'],
  ['EROFS', 'unavailable', 'store /data: the file system is read-only (EROFS)'],
  ['EACCES', 'unavailable', 'store /data: permission denied (EACCES)'],
  ['EISDIR', 'invalid', 'store /data: key a: one key is the folder of another (EISDIR)'],
  ['EOTHER', 'unavailable', 'store /data: something else (EOTHER)'],
])('%s of the file system is %s', (code, kind, message) => {
  const cause = Object.assign(new Error('something else'), { code });
  expect(folderError('/data', cause, 'a')).toMatchObject({ kind, message, cause });
});
