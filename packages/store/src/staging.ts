import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from './folder-error.js';
import { type FolderLock, tryLock } from './folder-lock.js';

/** A folder in which one store of one process writes files before they become objects. No key refers to it. */
export interface Staging {
  /** Writes and syncs a file that the caller then renames or links, and removes. @returns its path */
  write(bytes: Uint8Array): Promise<string>;
}

const STAGING = '~staging';

/**
 * Creates a staging folder for this store, and removes those whose process has ended. A staging folder is in use while the
 * lock inside it is held. Creation and removal hold the lock of the store, so that no folder is removed between its
 * creation and its lock.
 */
export async function openStaging(folder: string, lock: FolderLock): Promise<Staging> {
  return lock.hold(async () => {
    await makeFolder(join(folder, STAGING));
    for (const name of await readdir(join(folder, STAGING))) await removeLeftover(join(folder, STAGING, name));
    const own = join(folder, STAGING, randomUUID());
    await mkdir(own);
    const inUse = tryLock(join(own, 'in-use'));
    let files = 0;
    // The returned object owns the lock, which must not be garbage-collected before it.
    const staging: Staging & { readonly inUse: typeof inUse } = {
      inUse,
      write: async (bytes) => {
        const path = join(own, `${files++}`);
        await writeSynced(path, bytes);
        return path;
      },
    };
    return staging;
  });
}

/** Call with the store's lock held. */
async function removeLeftover(staging: string): Promise<void> {
  const unused = tryLock(join(staging, 'in-use'));
  if (!unused) return;
  unused.release();
  await rm(staging, { recursive: true });
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    // Kernels stamp files with the time of their latest tick, up to 4 ms ago, which cannot distinguish two writes.
    const seconds = (performance.timeOrigin + performance.now()) / 1000;
    await file.utimes(seconds, seconds);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Creates a folder and its parents durably. The recursive mkdir of Node.js hides why it failed, and does not return where
 * no folder can be created, such as in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  await makeFolder(parent);
  try {
    await mkdir(path);
  } catch (error) {
    // Another process may have created it meanwhile.
    if (hasCode(error, 'EEXIST') && (await isFolder(path))) return;
    throw error;
  }
  await syncFolder(parent);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
