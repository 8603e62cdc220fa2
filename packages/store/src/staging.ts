import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from './folder-error.js';
import { type FolderLock, tryLockForGood } from './folder-lock.js';

/** Where one store of one process writes files before they become objects. No key can name a place in it. */
export interface Staging {
  /** Writes a whole file to disk, to be renamed or linked from there; the caller removes it. @returns its path */
  write(bytes: Uint8Array): Promise<string>;
}

const STAGING = '~staging';

/**
 * Opens a staging folder for this store, and removes those whose process is gone with all that it left there. A staging folder is in
 * use as long as the lock inside it is held; making one and removing others happen under the store's own lock, so that none is
 * removed between being made and being locked.
 */
export async function openStaging(folder: string, lock: FolderLock): Promise<Staging> {
  return lock.hold(async () => {
    await makeFolder(join(folder, STAGING));
    for (const name of await readdir(join(folder, STAGING))) await removeLeftover(join(folder, STAGING, name));
    const own = join(folder, STAGING, randomUUID());
    await mkdir(own);
    const inUse = tryLockForGood(join(own, 'in-use'));
    let files = 0;
    // The lock belongs to what is returned: it ends when the store can no longer be reached, not before.
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
  const unused = tryLockForGood(join(staging, 'in-use'));
  if (!unused) return;
  unused.release();
  await rm(staging, { recursive: true });
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    // Kernels stamp files with the time of their last tick, up to 4 ms ago: too coarse to tell two writes apart.
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

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Makes a folder and those above it, and their names durable. Step by step, because the recursive mkdir of Node hides why it
 * failed, and never returns where no folder can be made, as in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  await makeFolder(parent);
  try {
    await mkdir(path);
  } catch (error) {
    // Another process may have made it meanwhile.
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
