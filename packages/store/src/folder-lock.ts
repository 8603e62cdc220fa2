// biome-ignore lint/correctness/noUnresolvedImports: built into Node since 22.5, Biome does not know it yet
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { createSerial } from '@trikd/core/async/serial';
import { TrikdError } from '@trikd/core/domain/errors';

/** Excludes all other holders of the same file, in this process and in others. */
export interface FolderLock {
  /**
   * Runs `work` while nobody else holds the lock; callers of one lock take turns in the order they came.
   * @throws TrikdError 'unavailable' when the lock is not to be had in time.
   */
  hold<T>(work: () => Promise<T>): Promise<T>;
}

const SQLITE_BUSY = 5;
/** About as long as a write holds the lock. */
const PAUSE_MS = 2;

/**
 * A lock on a file. It is the kernel that holds it (fcntl, by way of an SQLite transaction that writes nothing), so it ends with
 * its process, however that ends: nothing is left to be judged stale, taken over, or blamed on a process id that means something
 * else in another container. What lost: a lock file with process id and start time, whose take-over is a race of its own
 * and which two containers on one volume cannot judge; and a native flock, since the project has one native module only.
 * @param path The lock file, made when absent. It stays empty; nothing else may open it, for closing it would end the lock.
 * @throws TrikdError 'unavailable' when the file cannot be made or opened.
 */
export function openFolderLock(path: string, { timeoutMs = 30_000 }: { readonly timeoutMs?: number } = {}): FolderLock {
  const database = open(path);
  const turns = createSerial();
  const hold = async <T>(work: () => Promise<T>, endMs: number): Promise<T> => {
    while (!begin(database, path)) {
      if (performance.now() > endMs) {
        throw new TrikdError('unavailable', `${path} has been held by others for ${timeoutMs} ms`, { path });
      }
      // SQLite's own waiting would stop the event loop, and with it the streams of logits.
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

/** Takes a lock for good, or finds that somebody has it: then undefined. @throws TrikdError 'unavailable' as `openFolderLock` */
export function tryLockForGood(path: string): HeldLock | undefined {
  const database = open(path);
  if (begin(database, path)) return { release: () => database.close() };
  database.close();
  return undefined;
}

function open(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { timeout: 0 });
    // Nothing is ever written, so there is nothing to keep a journal of.
    database.exec('PRAGMA journal_mode = MEMORY');
    return database;
  } catch (cause) {
    throw unavailable(path, cause);
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
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TrikdError('unavailable', `cannot lock ${path}: ${reason}`, { path }, { cause });
}
