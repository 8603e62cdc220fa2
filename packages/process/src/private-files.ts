import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, hasCode } from './error-code.js';

// What a process writes is for its own user: stores, logs and events have params, labels and addresses in them.
export const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_UMASK = 0o077;

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** A folder that is open: a path in it stays in it when its name is given to another folder, or to a link. */
export interface OpenFolder {
  /** A path of the entry, valid while the folder is open. An operation on it may follow the entry itself if it is a link. */
  at(name: string): string;
  /** Opens a file. Follows no link, and does not wait for the writer of a pipe. A new file is for this user only. */
  open(name: string, flags: number): Promise<FileHandle>;
  /** Makes the names in it durable. */
  sync(): Promise<void>;
}

export interface InFolderOptions {
  /** Whether to create the folders below `root` that are missing. Default false. */
  readonly create?: boolean;
}

/**
 * Calls `work` with the folder `root/part/part/…`. Below `root` no symbolic link is followed: each folder is opened through the one
 * before it, as openat does, by way of /proc, so that no check can be outdated when the folder is used. `root` itself, which the
 * operator chose, may be a link.
 * @throws the error of the system; its code is ELOOP, and its message names the part, where a part is a link
 */
export async function inFolder<T>(
  root: string,
  parts: readonly string[],
  work: (folder: OpenFolder) => Promise<T>,
  { create = false }: InFolderOptions = {},
): Promise<T> {
  let current = await open(root, O_DIRECTORY);
  try {
    for (const [index, part] of parts.entries()) {
      const outer = current;
      current = await enter(outer, part, parts.slice(0, index + 1).join('/'), create);
      await outer.close();
    }
    return await work(openFolder(current, parts.join('/')));
  } finally {
    await current.close();
  }
}

function openFolder(handle: FileHandle, name: string): OpenFolder {
  return {
    at: (entry) => within(handle, entry),
    open: async (entry, flags) => {
      const path = within(handle, entry);
      try {
        return await open(path, flags | O_NOFOLLOW | O_NONBLOCK, PRIVATE_FILE);
      } catch (error) {
        throw await withName(error, path, name === '' ? entry : `${name}/${entry}`);
      }
    },
    sync: () => handle.sync(),
  };
}

async function enter(outer: FileHandle, part: string, name: string, create: boolean): Promise<FileHandle> {
  const path = within(outer, part);
  const opened = () => open(path, O_DIRECTORY | O_NOFOLLOW);
  try {
    return await opened();
  } catch (error) {
    if (!create || !hasCode(error, 'ENOENT')) throw await withName(error, path, name);
  }
  try {
    await mkdir(path, PRIVATE_FOLDER);
    await outer.sync();
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  try {
    return await opened();
  } catch (error) {
    throw await withName(error, path, name);
  }
}

function within({ fd }: FileHandle, name: string): string {
  return `/proc/self/fd/${fd}/${name}`;
}

/** Says of an error that a link is its reason: the system reports ELOOP for a file, and ENOTDIR for a folder. */
async function withName(error: unknown, path: string, name: string): Promise<unknown> {
  if (!hasCode(error, 'ELOOP', 'ENOTDIR') || !(await isLink(path))) return error;
  const message = `${name} is a symbolic link, which is not followed: replace it by what it points to`;
  return Object.assign(new Error(message, { cause: error }), { code: 'ELOOP' });
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

/**
 * Creates a folder and its parents durably, for this user only. The recursive mkdir of Node.js hides why it failed, and does
 * not return where no folder can be created, such as in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  await makeFolder(parent);
  try {
    await mkdir(path, PRIVATE_FOLDER);
  } catch (error) {
    // Another process may have created it meanwhile.
    if (hasCode(error, 'EEXIST') && (await isFolder(path))) return;
    throw error;
  }
  await syncFolder(parent);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
