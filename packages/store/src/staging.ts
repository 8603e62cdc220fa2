import { randomUUID } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { errorCode } from '@trikd/process/error-code';
import { inFolder, type OpenFolder } from '@trikd/process/private-files';
import { type FolderLock, tryLock } from './folder-lock.js';

/** A folder in which one store of one process writes files before they become objects. No key refers to it. */
export interface Staging {
  /** Writes and syncs a file, which `work` renames or links by its path, and removes it when `work` has ended. */
  write<T>(bytes: Uint8Array, work: (path: string) => Promise<T>): Promise<T>;
}

const STAGING = '~staging';
const { O_WRONLY, O_CREAT, O_EXCL } = constants;

/**
 * Creates a staging folder for this store, and removes those whose process has ended. A staging folder is in use while the
 * lock inside it is held. Creation and removal hold the lock of the store, so that no folder is removed between its
 * creation and its lock.
 */
export async function openStaging(folder: string, lock: FolderLock): Promise<Staging> {
  const name = randomUUID();
  const path = join(folder, STAGING);
  const inUse = await lock.hold(async () => {
    const entries = await inFolder(folder, [STAGING], entriesOf, { create: true });
    for (const entry of entries) await removeLeftover(path, entry);
    await inFolder(folder, [STAGING, name], async () => undefined, { create: true });
    return tryLock(join(path, name, 'in-use'));
  });
  let files = 0;
  // The returned object owns the lock, which must not be garbage-collected before it.
  const staging: Staging & { readonly inUse: typeof inUse } = {
    inUse,
    write: (bytes, work) => inFolder(folder, [STAGING, name], (own) => withFile(own, `${files++}`, bytes, work)),
  };
  return staging;
}

function entriesOf(folder: OpenFolder): Promise<Dirent[]> {
  return readdir(folder.at('.'), { withFileTypes: true });
}

/** Call with the store's lock held. */
async function removeLeftover(staging: string, entry: Dirent): Promise<void> {
  const path = join(staging, entry.name);
  if (entry.isDirectory()) {
    const unused = tryLock(join(path, 'in-use'));
    if (!unused) return;
    unused.release();
  }
  await rm(path, { recursive: true });
}

async function withFile<T>(
  folder: OpenFolder,
  name: string,
  bytes: Uint8Array,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = folder.at(name);
  try {
    await writeSynced(folder, name, bytes);
    return await work(path);
  } finally {
    await rm(path, { force: true });
  }
}

async function writeSynced(folder: OpenFolder, name: string, bytes: Uint8Array): Promise<void> {
  const file = await folder.open(name, O_WRONLY | O_CREAT | O_EXCL);
  try {
    await file.writeFile(bytes);
    // Kernels stamp files with the time of their latest tick, up to 4 ms ago, which cannot distinguish two writes.
    const seconds = (performance.timeOrigin + performance.now()) / 1000;
    await file.utimes(seconds, seconds);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The meaning of codes that an operator can act on. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is exceeded',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EMFILE: 'this process has too many open files',
  EIO: 'disk error',
};

/** The meaning of codes that the key itself causes. */
const BAD_KEYS: Readonly<Record<string, string>> = {
  ENOTDIR: 'one key is the folder of another',
  EISDIR: 'one key is the folder of another',
  EEXIST: 'one key is the folder of another',
  ENAMETOOLONG: 'the key, or a part of it, is too long',
};

/**
 * Converts a file system error.
 * @param key the key of the operation, if it has one
 * @returns TrikdError 'invalid' if the key cannot be stored, otherwise 'unavailable'; a TrikdError is returned unchanged
 */
export function folderError(folder: string, cause: unknown, key?: string): TrikdError {
  if (cause instanceof TrikdError) return cause;
  const code = errorCode(cause) ?? 'no code';
  const badKey = BAD_KEYS[code];
  if (badKey && key !== undefined) {
    return new TrikdError(
      'invalid',
      `store ${folder}: key ${key}: ${badKey} (${code})`,
      { folder, key, code },
      { cause },
    );
  }
  const meaning = MEANINGS[code] ?? messageOf(cause);
  return new TrikdError('unavailable', `store ${folder}: ${meaning} (${code})`, { folder, code }, { cause });
}
