import {
  closeSync,
  constants,
  fsync as fsyncByCallback,
  open as openByCallback,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { type FileHandle, lstat, mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { errorCode, hasCode } from './error-code.js';

// What a process writes is for its own user: stores, logs and events have params, labels and addresses in them.
export const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_UMASK = 0o077;

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Follows no link, and does not wait for the writer of a pipe. */
const CAREFULLY = O_NOFOLLOW | O_NONBLOCK;

const openDescriptor = promisify(openByCallback);
const fsync = promisify(fsyncByCallback);

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
 * Calls `work` with the folder `root/part/part/…`. Below `root` no symbolic link is followed, also if one appears meanwhile: what
 * counts is the path that the system reports of the open folder. `root` itself, which the operator chose, may be a link.
 * @throws the error of the system; its code is ELOOP, and its message names the part, where a part is a link
 */
export async function inFolder<T>(
  root: string,
  parts: readonly string[],
  work: (folder: OpenFolder) => Promise<T>,
  { create = false }: InFolderOptions = {},
): Promise<T> {
  const descriptor = (await openDirectly(root, parts)) ?? (await openStepwise(root, parts, create));
  try {
    return await work(openFolder(descriptor, parts.join('/')));
  } finally {
    closeSync(descriptor);
  }
}

/** Opens the file `root/part/part/…` to read it, as `inFolder` and `OpenFolder.open` do, in one request if nothing is unusual. */
export async function openInside(root: string, parts: readonly string[]): Promise<FileHandle> {
  const file = await open(join(root, ...parts), CAREFULLY).catch(() => undefined);
  if (file && isAt(file.fd, root, parts)) return file;
  await file?.close();
  return inFolder(root, parts.slice(0, -1), (folder) => folder.open(parts.at(-1)!, constants.O_RDONLY));
}

/** The folder, if its path leads through no link; undefined if it does, and for every error. */
async function openDirectly(root: string, parts: readonly string[]): Promise<number | undefined> {
  const descriptor = await openDescriptor(join(root, ...parts), O_DIRECTORY).catch(() => undefined);
  if (descriptor === undefined || isAt(descriptor, root, parts)) return descriptor;
  closeSync(descriptor);
  return undefined;
}

/** Whether what is open is at the path by which it was opened: not if a link led there, or if it was renamed or removed since. */
function isAt(descriptor: number, root: string, parts: readonly string[]): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`) === join(realpathSync.native(root), ...parts);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

/** Opens each folder through the one before it, as openat does, so that no check can be outdated when the folder is used. */
async function openStepwise(root: string, parts: readonly string[], create: boolean): Promise<number> {
  let current = await openDescriptor(root, O_DIRECTORY);
  try {
    for (const [index, part] of parts.entries()) {
      const outer = current;
      current = await enter(outer, part, parts.slice(0, index + 1).join('/'), create);
      closeSync(outer);
    }
    return current;
  } catch (error) {
    closeSync(current);
    throw error;
  }
}

function openFolder(descriptor: number, name: string): OpenFolder {
  return {
    at: (entry) => within(descriptor, entry),
    open: async (entry, flags) => {
      const path = within(descriptor, entry);
      try {
        return await open(path, flags | CAREFULLY, PRIVATE_FILE);
      } catch (error) {
        throw await withName(error, path, name === '' ? entry : `${name}/${entry}`);
      }
    },
    sync: () => fsync(descriptor),
  };
}

async function enter(outer: number, part: string, name: string, create: boolean): Promise<number> {
  const path = within(outer, part);
  const opened = () => openDescriptor(path, O_DIRECTORY | O_NOFOLLOW);
  try {
    return await opened();
  } catch (error) {
    if (!create || !hasCode(error, 'ENOENT')) throw await withName(error, path, name);
  }
  try {
    await mkdir(path, PRIVATE_FOLDER);
    await fsync(outer);
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

function within(descriptor: number, name: string): string {
  return `/proc/self/fd/${descriptor}/${name}`;
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
