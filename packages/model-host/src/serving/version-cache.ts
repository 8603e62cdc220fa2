import { TrikdError } from '@trikd/core/domain/errors';
import type { ServedVersion } from './served-version.js';

/** Versions that are loaded when somebody asks for them. */
export interface VersionCache {
  /**
   * Does work with a version, which stays loaded meanwhile.
   * @throws TrikdError 'exhausted' when every loaded version is in use; what `open` and the work throw
   */
  use<T>(key: string, open: () => Promise<ServedVersion>, work: (version: ServedVersion) => Promise<T>): Promise<T>;
  has(key: string): boolean;
  /** Closes all of them when they are no longer in use. */
  close(): Promise<void>;
}

interface Entry {
  readonly opening: Promise<ServedVersion>;
  users: number;
  loaded: boolean;
}

/** @param most versions at once; the least recently used one makes room */
export function createVersionCache(most: number, closed: (error: unknown) => void): VersionCache {
  // The order of the entries is that of their use.
  const entries = new Map<string, Entry>();

  const drop = async (key: string, entry: Entry) => {
    if (entries.get(key) === entry) entries.delete(key);
    await entry.opening.then((version) => version.close()).catch(closed);
  };

  const entryOf = (key: string, open: () => Promise<ServedVersion>): Entry => {
    const known = entries.get(key);
    if (known) {
      entries.delete(key);
      entries.set(key, known);
      return known;
    }
    const room = entries.size < most ? undefined : [...entries].find(([, { users }]) => users === 0);
    if (entries.size >= most) {
      if (!room) {
        throw new TrikdError(
          'exhausted',
          `serving.pinnedVersions allows ${most} versions of a run at once, and all are in use: retry later`,
        );
      }
      void drop(...room);
    }
    const entry: Entry = { opening: open(), users: 0, loaded: false };
    entries.set(key, entry);
    entry.opening.then(
      () => {
        entry.loaded = true;
      },
      () => entries.get(key) === entry && entries.delete(key),
    );
    return entry;
  };

  return {
    async use(key, open, work) {
      const entry = entryOf(key, open);
      entry.users += 1;
      try {
        return await work(await entry.opening);
      } finally {
        entry.users -= 1;
      }
    },
    has: (key) => entries.get(key)?.loaded === true,
    async close() {
      await Promise.all([...entries].map(([key, entry]) => drop(key, entry)));
    },
  };
}
