import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';

/** @throws TrikdError 'invalid' unless there is nothing at the path, or an empty folder: nothing is overwritten */
export async function assertFree(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const isFolder = (await stat(path)).isDirectory();
  if (isFolder && (await readdir(path)).length === 0) return;
  throw new TrikdError('invalid', `${path} is ${isFolder ? 'not empty' : 'not a folder'}: --out names another one`);
}

/** Makes a folder with files. */
export async function writeFolder(path: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(path, { recursive: true });
  for (const [name, content] of files) await writeFile(join(path, name), content, { flag: 'wx' });
}
