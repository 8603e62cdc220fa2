import { hash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { access, type FileHandle, link, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { isStoreKey, type ObjectStore, type StoredObject, type StoreReader } from '@trikd/core/domain/object-store';
import { hasCode } from '@trikd/process/error-code';
import { inFolder, makeFolder, type OpenFolder, openInside } from '@trikd/process/private-files';
import { type FolderLock, openFolderLock } from './folder-lock.js';
import { folderError, openStaging, type Staging } from './staging.js';

interface FolderObject extends StoredObject {
  /** Nanoseconds since 1970. */
  readonly writtenAt: bigint;
}

/** The file of a key, in its open folder. */
interface Place {
  readonly folder: OpenFolder;
  readonly name: string;
}

/** Codes of the system for a key without an object. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'EISDIR'];

/**
 * Opens a store in a folder, in which each object is the file of its key. A write syncs a complete file, then names it
 * atomically: by rename, or by link if it must be the first. Conditional writes, and those that could interfere with them,
 * hold the lock of the folder. Names with `~` are reserved for the store; keys cannot contain it.
 * || What the store creates is for the user of its process only. Below the folder it follows no symbolic link: an object
 * whose path has one is refused by name, and a listing leaves it out.
 * @param folder created if absent. Processes of one user, and containers on one machine, may share it.
 * @throws TrikdError 'unavailable' with the folder if it cannot be created or written
 */
export async function openFolderStore(folder: string): Promise<ObjectStore> {
  const root = resolve(folder);
  try {
    await makeFolder(root);
    // Opening the lock would fail too, but without the reason.
    await access(root, constants.W_OK);
    const lock = openFolderLock(join(root, '~lock'));
    return storeIn(root, lock, await openStaging(root, lock));
  } catch (error) {
    throw folderError(root, error);
  }
}

/**
 * Reads a store in a folder, and creates and locks nothing in it. A folder that is absent has no objects.
 * @throws TrikdError as {@link openFolderStore}'s store does when it reads
 */
export function readFolderStore(folder: string): StoreReader {
  return readerIn(resolve(folder));
}

function readerIn(root: string): StoreReader {
  const inspect = <T>(key: string, work: (file: FileHandle) => Promise<T>): Promise<T | undefined> =>
    unlessAbsent(named(root, key, async (parts) => withFile(await openInside(root, parts), work)));
  return {
    get: (key) => inspect(key, read),
    size: (key) => inspect(key, sizeOf),
    part: (key, offset, length) => inspect(key, (file) => readPart(file, offset, length)),
    list: (prefix) => keysOf(root, prefix),
  };
}

function storeIn(root: string, lock: FolderLock, staging: Staging): ObjectStore {
  const at = <T>(key: string, create: boolean, work: (place: Place) => Promise<T>): Promise<T> =>
    named(root, key, (parts) =>
      inFolder(root, parts.slice(0, -1), (folder) => work({ folder, name: parts.at(-1)! }), { create }),
    );
  const write = <T>(key: string, bytes: Uint8Array, name: (staged: string, place: Place) => Promise<T>): Promise<T> =>
    at(key, true, (place) => staging.write(bytes, (staged) => name(staged, place)));
  return {
    ...readerIn(root),
    put: (key, bytes) =>
      write(key, bytes, (staged, place) => lock.hold(async () => replaceFile(staged, place, await timeOf(place)))),
    create: (key, bytes) => write(key, bytes, linkFile),
    replace: (key, bytes, version) =>
      write(key, bytes, (staged, place) => lock.hold(() => compareAndReplace(staged, place, version))),
    remove: (key) => unlessAbsent(at(key, false, (place) => lock.hold(() => removeFile(place)))),
  };
}

async function named<T>(root: string, key: string, work: (parts: readonly string[]) => Promise<T>): Promise<T> {
  const parts = partsOf(key);
  try {
    return await work(parts);
  } catch (error) {
    throw folderError(root, error, key);
  }
}

function partsOf(key: string): readonly string[] {
  if (!isStoreKey(key)) throw new TrikdError('invalid', `${JSON.stringify(key)} is not a valid store key`, { key });
  return key.split('/');
}

/** Undefined where there is no object: no file, a folder, or a part of the key that is a file. */
async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TrikdError && hasCode(error.cause, ...ABSENT)) return undefined;
    throw error;
  }
}

async function linkFile(staged: string, { folder, name }: Place): Promise<'created' | 'exists'> {
  try {
    await link(staged, folder.at(name));
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'exists';
    throw error;
  }
  await folder.sync();
  return 'created';
}

/** Call with the lock held. */
async function compareAndReplace(staged: string, place: Place, version: string): Promise<'replaced' | 'conflict'> {
  const present = await readOrNothing(place);
  if (present?.version !== version) return 'conflict';
  await replaceFile(staged, place, present.writtenAt);
  return 'replaced';
}

/** Call with the lock held. `writtenAt` is the time of the current file. */
async function replaceFile(staged: string, { folder, name }: Place, writtenAt: bigint | undefined): Promise<void> {
  if (writtenAt !== undefined) await makeLater(staged, writtenAt);
  await rename(staged, folder.at(name));
  await folder.sync();
}

/**
 * Makes the time of a file later than `writtenAt`, whatever the clock says. A version is the content and the time, so that
 * an object that changes from A to B and back to A has three versions: a writer that has read the first A cannot replace
 * the second.
 */
async function makeLater(staged: string, writtenAt: bigint): Promise<void> {
  const file = await open(staged, 'r+');
  try {
    const { mtimeNs } = await file.stat({ bigint: true });
    if (mtimeNs > writtenAt) return;
    // A double represents the current time to a quarter of a microsecond.
    const seconds = Number(writtenAt / 1000n + 2n) / 1e6;
    await file.utimes(seconds, seconds);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function removeFile({ folder, name }: Place): Promise<void> {
  await unlink(folder.at(name));
  await folder.sync();
}

async function withFile<T>(file: FileHandle, work: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** Content and time come from one open file, which is never written again, so they are consistent. */
async function read(file: FileHandle): Promise<FolderObject> {
  const found = await file.stat({ bigint: true });
  if (!found.isFile()) throw notAFile();
  const content = await file.readFile();
  const bytes = new Uint8Array(content.buffer, content.byteOffset, content.length);
  return { bytes, version: `${hash('sha256', bytes)}-${found.mtimeNs}`, writtenAt: found.mtimeNs };
}

async function readOrNothing({ folder, name }: Place): Promise<FolderObject | undefined> {
  try {
    return await withFile(await folder.open(name, constants.O_RDONLY), read);
  } catch (error) {
    if (hasCode(error, ...ABSENT)) return undefined;
    throw error;
  }
}

async function readPart(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const left = Math.max(0, (await sizeOf(file)) - offset);
  const bytes = new Uint8Array(Math.min(length, left));
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function sizeOf(file: FileHandle): Promise<number> {
  const found = await file.stat();
  if (!found.isFile()) throw notAFile();
  return found.size;
}

/** Only files are objects: not folders, devices and pipes, which the system opens too. */
function notAFile(): Error {
  return Object.assign(new Error('it is not a file'), { code: 'EISDIR' });
}

async function timeOf({ folder, name }: Place): Promise<bigint | undefined> {
  try {
    return (await lstat(folder.at(name), { bigint: true })).mtimeNs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function keysOf(root: string, prefix: string): Promise<readonly string[]> {
  const parent = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
  const parts = parent === '' ? [] : partsOf(parent);
  try {
    const keys = await inFolder(root, parts, (folder) => keysBelow(folder, '.', parent));
    return keys.filter((key) => key.startsWith(prefix)).sort();
  } catch (error) {
    // The folder is absent, or there is a link in its place.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return [];
    throw folderError(root, error);
  }
}

/** Skips what is no object: the store's own folders, which may be removed during the walk, and links. */
async function keysBelow(folder: OpenFolder, path: string, parent: string): Promise<readonly string[]> {
  const keys = (await entriesOf(folder.at(path))).map(async (entry) => {
    const key = parent === '' ? entry.name : `${parent}/${entry.name}`;
    if (!isStoreKey(key)) return [];
    if (entry.isDirectory()) return await keysBelow(folder, `${path}/${entry.name}`, key);
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
