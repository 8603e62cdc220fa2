import type { Stats } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { errorCode, hasCode } from '@trikd/process/error-code';

/** A file that is to be read. */
export interface ImageFile {
  /** As the user names it. */
  readonly name: string;
  /** Without symbolic links, which are followed where the user names them, and not where a folder has them. */
  readonly path: string;
}

/** Entries of folders that are listed, at most. */
const MOST_ENTRIES = 100_000;

/** Names of files that are read in folders. */
const IMAGE = /\.(png|jpe?g)$/i;

/** Img2 comes before img10. */
const natural = new Intl.Collator('en', { numeric: true });

/**
 * The files that paths name, and the PNG and JPEG files in the folders that they name and below, by their names. Hidden files and folders are left out.
 * @throws TrikdError 'invalid' for a path at which there is nothing, for a folder without images, and for one of too many
 */
export async function imageFiles(paths: readonly string[]): Promise<readonly ImageFile[]> {
  const files: ImageFile[] = [];
  for (const name of paths) {
    if ((await statsOf(name)).isDirectory()) files.push(...(await imagesBelow(name)));
    else files.push({ name, path: await realpath(name) });
  }
  return files;
}

async function statsOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    const reason = hasCode(cause, 'ENOENT', 'ENOTDIR') ? 'there is no such file' : (errorCode(cause) ?? `${cause}`);
    throw new TrikdError('invalid', `cannot read ${path}: ${reason}`, { path }, { cause });
  }
}

async function imagesBelow(folder: string): Promise<readonly ImageFile[]> {
  const names: string[] = [];
  let left = MOST_ENTRIES;
  const open = [folder];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for await (const entry of await opendir(next)) {
      if (left-- === 0) throw new TrikdError('invalid', `${folder} has more than ${MOST_ENTRIES} files: name fewer`);
      const inside = join(next, entry.name);
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) open.push(inside);
      else if (entry.isFile() && IMAGE.test(entry.name)) names.push(inside);
    }
  }
  if (names.length === 0) throw new TrikdError('invalid', `${folder} has no file that ends in .png, .jpg or .jpeg`);
  return names.sort(natural.compare).map((name) => ({ name, path: name }));
}
