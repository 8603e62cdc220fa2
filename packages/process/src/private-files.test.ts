import { constants } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inFolder, makeFolder } from './private-files.js';

const { O_RDONLY, O_WRONLY, O_CREAT } = constants;
let scratch: string;
let root: string;
let outside: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'trikd-private-'));
  [root, outside] = [join(scratch, 'root'), join(scratch, 'outside')];
  await mkdir(root);
  await mkdir(outside);
});
afterEach(() => rm(scratch, { recursive: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

async function write(folder: string, parts: readonly string[], name: string): Promise<void> {
  await inFolder(
    folder,
    parts,
    async (opened) => {
      const file = await opened.open(name, O_WRONLY | O_CREAT);
      await file.writeFile('text');
      await file.close();
    },
    { create: true },
  );
}

test('what is created is readable by this user only, whatever the umask', async () => {
  const before = process.umask(0);
  try {
    await makeFolder(join(root, 'made', 'here'));
    await write(root, ['a', 'b'], 'file');
  } finally {
    process.umask(before);
  }
  for (const folder of ['made', 'made/here', 'a', 'a/b']) expect(await modeOf(join(root, folder))).toBe(0o700);
  expect(await modeOf(join(root, 'a/b/file'))).toBe(0o600);
});

test('a folder on the way that is a link is refused by name', async () => {
  await mkdir(join(root, 'a'));
  await symlink(outside, join(root, 'a', 'b'));
  await expect(write(root, ['a', 'b', 'c'], 'file')).rejects.toMatchObject({
    code: 'ELOOP',
    message: 'a/b is a symbolic link, which is not followed: replace it by what it points to',
  });
  expect(await readdir(outside)).toEqual([]);
});

test('a file that is a link is refused by name', async () => {
  await writeFile(join(outside, 'file'), 'foreign');
  await symlink(join(outside, 'file'), join(root, 'file'));
  await expect(write(root, [], 'file')).rejects.toThrow('file is a symbolic link');
  expect(await readFile(join(outside, 'file'), 'utf8')).toBe('foreign');
});

test('the root itself may be a link', async () => {
  await symlink(root, join(scratch, 'link'));
  await write(join(scratch, 'link'), ['a'], 'file');
  expect(await readdir(join(root, 'a'))).toEqual(['file']);
});

test('a folder that is replaced by a link while it is open stays the folder that it was', async () => {
  await mkdir(join(root, 'a'));
  await inFolder(root, ['a'], async (folder) => {
    await rename(join(root, 'a'), join(root, 'moved'));
    await symlink(outside, join(root, 'a'));
    await (await folder.open('file', O_WRONLY | O_CREAT)).close();
  });
  expect(await readdir(join(root, 'moved'))).toEqual(['file']);
  expect(await readdir(outside)).toEqual([]);
});

test('a missing folder is reported unless it is to be created', async () => {
  await expect(inFolder(root, ['a'], async () => undefined)).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(join(root, 'file'), '');
  await expect(inFolder(root, ['file'], (folder) => folder.open('x', O_RDONLY))).rejects.toMatchObject({
    code: 'ENOTDIR',
  });
});
