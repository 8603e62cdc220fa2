import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { TrikdError } from '@trikd/core/domain/errors';
import { errorCode, hasCode } from '@trikd/process/error-code';

/** A file that is open for reading. */
export interface RegularFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly bytes: number;
}

/** A link or a pipe that takes the place of the file after it was looked at is neither followed nor waited for. */
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a file. A pipe would be waited for, a device has no end, and a link leads to what its reader may read but its author may not:
 * they are not opened.
 * @returns undefined when there is no such file
 * @throws TrikdError 'invalid' for anything but a regular file, 'unavailable' for one that cannot be opened
 */
export async function openRegular(path: string): Promise<RegularFile | undefined> {
  try {
    assertRegular(path, await lstat(path));
    const handle = await open(path, READ_ONLY);
    try {
      const stats = await handle.stat();
      assertRegular(path, stats);
      return { path, handle, bytes: stats.size };
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof TrikdError) throw cause;
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new TrikdError('unavailable', `cannot read ${path}: ${errorCode(cause) ?? cause}`, { path }, { cause });
  }
}

type Stats = Awaited<ReturnType<typeof lstat>>;

function assertRegular(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  throw new TrikdError('invalid', `${path} is ${kindOf(stats)}, not a regular file`, { path });
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}
