import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFolderStore } from './folder-store.js';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
let scratch: string;
let folder: string;
let outside: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'trikd-privacy-'));
  [folder, outside] = [join(scratch, 'store'), join(scratch, 'outside')];
  await mkdir(outside);
});
afterEach(() => rm(scratch, { recursive: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('for its user only:', () => {
  test('every file has mode 0600 and every folder 0700, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const store = await openFolderStore(folder);
      await store.put('runs/a/blobs/1', text('params'));
      await store.create('runs/a/state.json', text('{}'));
      await store.replace('runs/a/state.json', text('{ }'), (await store.get('runs/a/state.json'))!.version);
    } finally {
      process.umask(before);
    }
    expect(await modeOf(folder)).toBe(0o700);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    expect(entries.map(({ name }) => name)).toEqual(expect.arrayContaining(['~lock', 'in-use', '1', 'state.json']));
    for (const entry of entries) {
      expect(await modeOf(join(entry.parentPath, entry.name)), entry.name).toBe(entry.isFile() ? 0o600 : 0o700);
    }
  });

  test('a lock that other users can read is taken from them', async () => {
    await mkdir(folder);
    await writeFile(join(folder, '~lock'), '', { mode: 0o644 });
    await (await openFolderStore(folder)).put('a', text('1'));
    expect(await modeOf(join(folder, '~lock'))).toBe(0o600);
  });

  test('a lock that is a link is refused', async () => {
    await mkdir(folder);
    await symlink(join(outside, 'file'), join(folder, '~lock'));
    await expect(openFolderStore(folder)).rejects.toThrow('~lock: it is a link or a folder, not a file');
    expect(await readdir(outside)).toEqual([]);
  });

  const asRoot = process.getuid?.() === 0;
  // Only root starts a process of another user; elsewhere the modes above must do.
  const whereRoot = asRoot ? test : () => undefined;
  whereRoot('another user cannot open the lock or an object', async () => {
    const store = await openFolderStore(folder);
    await store.put('a', text('1'));
    // All folders open to others, so that the files alone refuse.
    for (const path of [scratch, folder]) await chmod(path, 0o755);
    const open = (name: string, uid: number) =>
      spawnSync('/bin/sh', ['-c', 'exec 3< "$0"', join(folder, name)], { uid, gid: uid, cwd: '/', encoding: 'utf8' });
    for (const name of ['~lock', 'a']) {
      expect(open(name, 65_534).stderr).toContain('Permission denied');
      expect(open(name, 0).status).toBe(0);
    }
  });
});

describe('links inside it are not followed:', () => {
  const refused = {
    kind: 'unavailable',
    message: expect.stringContaining('runs/a/blobs is a symbolic link, which is not followed'),
  };

  test('an object below a folder that is a link is neither written, read, listed nor removed', async () => {
    const store = await openFolderStore(folder);
    await mkdir(join(folder, 'runs', 'a'), { recursive: true });
    await symlink(outside, join(folder, 'runs', 'a', 'blobs'));
    await writeFile(join(outside, 'foreign'), 'text');
    await expect(store.put('runs/a/blobs/1', text('params'))).rejects.toMatchObject(refused);
    await expect(store.create('runs/a/blobs/1', text('params'))).rejects.toMatchObject(refused);
    await expect(store.replace('runs/a/blobs/foreign', text('mine'), 'any')).rejects.toMatchObject(refused);
    await expect(store.get('runs/a/blobs/foreign')).rejects.toMatchObject(refused);
    await expect(store.size('runs/a/blobs/foreign')).rejects.toMatchObject(refused);
    await expect(store.remove('runs/a/blobs/foreign')).rejects.toMatchObject(refused);
    expect(await store.list('')).toEqual([]);
    expect(await store.list('runs/a/blobs/')).toEqual([]);
    expect(await readdir(outside)).toEqual(['foreign']);
  });

  test('an object that is a link is not read, and a write or removal replaces or removes the link', async () => {
    const store = await openFolderStore(folder);
    await writeFile(join(outside, 'foreign'), 'text');
    const link = () => symlink(join(outside, 'foreign'), join(folder, 'a'));
    await link();
    await expect(store.get('a')).rejects.toThrow('a is a symbolic link');
    await expect(store.size('a')).rejects.toThrow('a is a symbolic link');
    expect(await store.create('a', text('mine'))).toBe('exists');
    expect(await store.list('')).toEqual([]);
    await store.remove('a');
    await link();
    await store.put('a', text('mine'));
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('mine');
    expect(await readFile(join(outside, 'foreign'), 'utf8')).toBe('text');
  });

  test('the folder of staged files is not a link', async () => {
    await mkdir(folder);
    await symlink(outside, join(folder, '~staging'));
    await expect(openFolderStore(folder)).rejects.toThrow('~staging is a symbolic link');
    expect(await readdir(outside)).toEqual([]);
  });

  test('a link among the leftovers of dead writers is removed, and what it points to stays', async () => {
    await mkdir(join(folder, '~staging'), { recursive: true });
    await symlink(outside, join(folder, '~staging', 'dead'));
    await writeFile(join(outside, 'foreign'), 'text');
    await openFolderStore(folder);
    expect(await readdir(join(folder, '~staging'))).not.toContain('dead');
    expect(await readdir(outside)).toEqual(['foreign']);
  });

  test('a pipe is no object, and nobody waits for its writer', async () => {
    const store = await openFolderStore(folder);
    expect(spawnSync('mkfifo', [join(folder, 'pipe')]).status).toBe(0);
    expect(await store.get('pipe')).toBeUndefined();
    expect(await store.size('pipe')).toBeUndefined();
    expect(await store.list('')).toEqual([]);
  });
});
