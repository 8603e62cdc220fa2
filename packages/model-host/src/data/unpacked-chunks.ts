import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import { CHUNK, storedChunks } from './file-chunks.js';
import type { RegularFile } from './regular-file.js';

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
