import { chmodSync, closeSync, lstatSync, openSync } from 'node:fs';
// biome-ignore lint/correctness/noUnresolvedImports: built into Node since 22.5, Biome does not know it yet
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { createSerial } from '@trikd/core/async/serial';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { hasCode } from '@trikd/process/error-code';
import { PRIVATE_FILE } from '@trikd/process/private-files';

/** A lock on a file, exclusive among processes and within one. */
export interface FolderLock {
  /**
   * Runs `work` while holding the lock. Callers within the process take turns in the order of their calls.
   * @throws TrikdError 'unavailable' if the lock is not acquired in time
   */
  hold<T>(work: () => Promise<T>): Promise<T>;
}

const SQLITE_BUSY = 5;
/** About the time for which a write holds the lock. */
const PAUSE_MS = 2;

/**
 * Opens a lock on a file. The kernel holds it (fcntl, through an SQLite transaction that writes nothing), so it ends with
 * its process however that ends, and is never stale.
 *
 * Alternatives that lost: a lock file with a process id and a start time, since taking one over is a race itself, and
 * process ids mean nothing across containers that share a volume; a native flock, since the project keeps to one native
 * module.
 * @param path the lock file, created if absent. It stays empty. Nothing else may open it: closing it would end the lock.
 * @throws TrikdError 'unavailable' if the file cannot be created or opened
 */
export function openFolderLock(path: string, { timeoutMs = 30_000 }: { readonly timeoutMs?: number } = {}): FolderLock {
  const database = open(path);
  const turns = createSerial();
  const hold = async <T>(work: () => Promise<T>, endMs: number): Promise<T> => {
    while (!begin(database, path)) {
      if (performance.now() > endMs) {
        throw new TrikdError('unavailable', `${path} has been locked by other processes for ${timeoutMs} ms`, { path });
      }
      // SQLite's own wait would block the event loop.
      await delay(PAUSE_MS);
    }
    try {
      return await work();
    } finally {
      database.exec('ROLLBACK');
    }
  };
  return {
    hold: (work) => {
      const endMs = performance.now() + timeoutMs;
      return turns.run(() => hold(work, endMs));
    },
  };
}

/** A lock that is held until the process ends or `release` is called. */
export interface HeldLock {
  release(): void;
}

/** Acquires a lock until it is released; undefined if it is taken. @throws TrikdError 'unavailable' as `openFolderLock` */
export function tryLock(path: string): HeldLock | undefined {
  const database = open(path);
  if (begin(database, path)) return { release: () => database.close() };
  database.close();
  return undefined;
}

function open(path: string): DatabaseSync {
  try {
    makePrivate(path);
    const database = new DatabaseSync(path, { timeout: 0 });
    // Transactions write nothing, so they need no journal file.
    database.exec('PRAGMA journal_mode = MEMORY');
    return database;
  } catch (cause) {
    throw unavailable(path, cause);
  }
}

/**
 * Creates the file, or takes a present one from all other users: to lock a file, reading it is enough. SQLite itself would
 * create it for every reader, and follow a link.
 */
function makePrivate(path: string): void {
  try {
    // Closing a file ends the locks of this process on it, so only one that this call has created is opened here.
    closeSync(openSync(path, 'wx', PRIVATE_FILE));
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    const found = lstatSync(path);
    if (!found.isFile()) throw new Error('it is a link or a folder, not a file');
    if ((found.mode & 0o077) !== 0) chmodSync(path, PRIVATE_FILE);
  }
}

function begin(database: DatabaseSync, path: string): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw unavailable(path, error);
  }
}

function unavailable(path: string, cause: unknown): TrikdError {
  const reason = messageOf(cause);
  return new TrikdError('unavailable', `cannot lock ${path}: ${reason}`, { path }, { cause });
}
