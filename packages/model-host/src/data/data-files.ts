import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { errorCode, hasCode } from '@trikd/process/error-code';

/** Bytes that are read or unpacked at a time. */
export const CHUNK = 256 * 1024;

/** No gzip or zip file unpacks to more: deflate needs a bit for at least 129 bytes. */
const MOST_INFLATION = 1032;

/** Images unpack to a few times their size. More than this is a bomb, or so regular that there is nothing to learn. */
const IMAGE_INFLATION = 100;

/** Content that may unpack to any multiple of its file: it fits into memory. */
const SMALL = 64 * 1024 ** 2;

/** How many times the packed bytes content of this length may have. */
export function mostInflation(length: number): number {
  return length > SMALL ? IMAGE_INFLATION : MOST_INFLATION;
}

/** The bytes of a file from `begin` to `end`. A file that grows meanwhile does not make it longer. */
export async function* storedChunks(
  { handle, bytes }: RegularFile,
  begin = 0,
  end = bytes,
): AsyncGenerator<Buffer, void> {
  for (let at = begin; at < end; ) {
    const length = Math.min(CHUNK, end - at);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** All bytes of a file; fewer if it was cut meanwhile. Allocates as many, so check `bytes` first. */
export async function contentOf(file: RegularFile): Promise<Buffer> {
  const content = Buffer.alloc(file.bytes);
  let at = 0;
  for await (const chunk of storedChunks(file)) at += chunk.copy(content, at);
  return content.subarray(0, at);
}

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

/** Whether a file begins as one of gzip, whatever its name. */
export async function isGzip({ handle }: RegularFile): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
}

/** The bytes of a file from its start, unpacked. Ending the iteration early stops the unpacking. */
export async function* unpackedChunks(file: RegularFile, gzip: boolean): AsyncGenerator<Buffer> {
  if (!gzip) {
    yield* storedChunks(file);
    return;
  }
  const unpacked = createGunzip({ chunkSize: CHUNK });
  // An error of either ends the iteration.
  pipeline(storedChunks(file), unpacked, () => undefined);
  try {
    yield* unpacked;
  } catch (cause) {
    const { path, bytes } = file;
    const reason = messageOf(cause);
    throw new TrikdError('invalid', `${path}: gzip of ${bytes} bytes does not unpack: ${reason}`, { path }, { cause });
  }
}

/** Writes a file. @throws TrikdError 'unavailable' with its path if that fails; errors of ours pass */
export async function orUnwritable<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (cause instanceof TrikdError) throw cause;
    throw new TrikdError('unavailable', `cannot write ${path}: ${errorCode(cause) ?? cause}`, { path }, { cause });
  }
}
