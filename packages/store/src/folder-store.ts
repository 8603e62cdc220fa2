import { hash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { access, link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { isStoreKey, type ObjectStore, type StoredObject } from '@trikd/core/domain/object-store';
import { folderError, hasCode } from './folder-error.js';
import { type FolderLock, openFolderLock } from './folder-lock.js';
import { makeFolder, openStaging, type Staging, syncFolder } from './staging.js';

interface FolderObject extends StoredObject {
  /** Nanoseconds since 1970. */
  readonly writtenAt: bigint;
}

/**
 * A store in a folder: each object is the file of its key. A write is a whole, synced file that gets its name in one step: by rename,
 * or by link where it must be the first. Writes that depend on what is there, or could come between, hold the lock of the folder.
 * Names with `~` are the store's own; no key can have one.
 * @param folder Made when absent. May be shared by processes, and by containers of one machine.
 * @throws TrikdError 'unavailable', naming the folder, when it cannot be made or written.
 */
export async function openFolderStore(folder: string): Promise<ObjectStore> {
  const root = resolve(folder);
  try {
    await makeFolder(root);
    // The lock would find out too, but could not say why.
    await access(root, constants.W_OK);
    const lock = openFolderLock(join(root, '~lock'));
    return storeIn(root, lock, await openStaging(root, lock));
  } catch (error) {
    throw folderError(root, error);
  }
}

function storeIn(root: string, lock: FolderLock, staging: Staging): ObjectStore {
  const at = async <T>(key: string, work: (path: string) => Promise<T>): Promise<T> => {
    const path = pathOf(root, key);
    try {
      return await work(path);
    } catch (error) {
      throw folderError(root, error, key);
    }
  };
  const write = <T>(key: string, bytes: Uint8Array, name: (staged: string, path: string) => Promise<T>): Promise<T> =>
    at(key, async (path) => {
      await makeFolder(dirname(path));
      const staged = await staging.write(bytes);
      try {
        return await name(staged, path);
      } finally {
        await rm(staged, { force: true });
      }
    });
  return {
    get: (key) => at(key, read),
    size: (key) => at(key, sizeOf),
    put: (key, bytes) =>
      write(key, bytes, (staged, path) => lock.hold(async () => replaceFile(staged, path, await timeOf(path)))),
    create: (key, bytes) => write(key, bytes, linkFile),
    replace: (key, bytes, version) =>
      write(key, bytes, (staged, path) => lock.hold(() => compareAndReplace(staged, path, version))),
    list: (prefix) => keysOf(root, prefix),
    remove: (key) => at(key, (path) => lock.hold(() => removeFile(path))),
  };
}

function pathOf(root: string, key: string): string {
  if (!isStoreKey(key)) throw new TrikdError('invalid', `${JSON.stringify(key)} is no key of a store`, { key });
  return join(root, key);
}

async function linkFile(staged: string, path: string): Promise<'created' | 'exists'> {
  try {
    await link(staged, path);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'exists';
    throw error;
  }
  await syncFolder(dirname(path));
  return 'created';
}

/** Call with the lock held. */
async function compareAndReplace(staged: string, path: string, version: string): Promise<'replaced' | 'conflict'> {
  const present = await read(path);
  if (present?.version !== version) return 'conflict';
  await replaceFile(staged, path, present.writtenAt);
  return 'replaced';
}

/** Call with the lock held. `writtenAt` is the time of what is there now. */
async function replaceFile(staged: string, path: string, writtenAt: bigint | undefined): Promise<void> {
  if (writtenAt !== undefined) await makeLater(staged, writtenAt);
  await rename(staged, path);
  await syncFolder(dirname(path));
}

/**
 * Makes the time of a file later than `writtenAt`, whatever the clock says. Versions are content and time, so a key that goes from A to B
 * and back to A has three versions, and who read the first A cannot replace the second.
 */
async function makeLater(staged: string, writtenAt: bigint): Promise<void> {
  const file = await open(staged, 'r+');
  try {
    const { mtimeNs } = await file.stat({ bigint: true });
    if (mtimeNs > writtenAt) return;
    // A double holds a time of today to a quarter of a microsecond.
    const seconds = Number(writtenAt / 1000n + 2n) / 1e6;
    await file.utimes(seconds, seconds);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return;
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Content and time come from one open file, which is never written again: they belong together. */
async function read(path: string): Promise<FolderObject | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { mtimeNs } = await file.stat({ bigint: true });
      const content = await file.readFile();
      const bytes = new Uint8Array(content.buffer, content.byteOffset, content.length);
      return { bytes, version: `${hash('sha256', bytes)}-${mtimeNs}`, writtenAt: mtimeNs };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function timeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).mtimeNs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function keysOf(root: string, prefix: string): Promise<readonly string[]> {
  const parent = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
  if (parent !== '') pathOf(root, parent);
  try {
    const keys = await keysBelow(root, parent);
    return keys.filter((key) => key.startsWith(prefix)).sort();
  } catch (error) {
    throw folderError(root, error);
  }
}

/** Never enters a folder of the store's own: those come and go, and one that goes meanwhile would end the walk. */
async function keysBelow(root: string, folder: string): Promise<readonly string[]> {
  const entries = await entriesOf(join(root, folder));
  const keys = entries.map(async (entry) => {
    const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (!isStoreKey(key)) return [];
    if (entry.isDirectory()) return await keysBelow(root, key);
    return entry.isFile() ? [key] : [];
  });
  return (await Promise.all(keys)).flat();
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
