import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type IdxHeader, type IdxPart, LONGEST_HEADER, readIdxHeader, wrongLength } from '@trikd/core/data/idx';
import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import { CHUNK, mostInflation, storedChunks } from './file-chunks.js';
import { openRegular, type RegularFile } from './regular-file.js';

/** An IDX file of which only the header is read. */
export interface IdxFile {
  readonly header: IdxHeader;
  /**
   * Reads the content. Allocates what the header announces, so check that first.
   * @throws TrikdError 'invalid' when the file has less or more
   */
  content(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a file, plain or gzip, and compares its header with its length.
 * @returns undefined when there is no such file
 * @throws TrikdError 'invalid' with the file and the numbers, 'unavailable' for one that cannot be read
 */
export async function openIdx(part: IdxPart, path: string): Promise<IdxFile | undefined> {
  const file = await openRegular(path);
  if (!file) return undefined;
  try {
    const gzip = await isGzip(file);
    const header = readIdxHeader(part, path, await beginning(file, gzip));
    const problem = lengthProblem(header, file.bytes, gzip);
    if (problem) throw problem;
    return {
      header,
      content: () => contentOf(file, gzip, header),
      close: () => file.handle.close(),
    };
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}

async function isGzip({ handle }: RegularFile): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
}

function lengthProblem(header: IdxHeader, bytes: number, gzip: boolean): TrikdError | undefined {
  const needed = header.start + header.length;
  if (!gzip) return needed === bytes ? undefined : wrongLength(header, bytes);
  const most = mostInflation(needed);
  if (needed <= most * bytes) return undefined;
  const found = `a gzip file of ${bytes} bytes, which is less than a ${most}th of it`;
  return wrongLength(header, found);
}

async function beginning(file: RegularFile, gzip: boolean): Promise<Uint8Array> {
  const start = Buffer.alloc(LONGEST_HEADER);
  let filled = 0;
  for await (const chunk of chunksOf(file, gzip)) {
    filled += chunk.copy(start, filled);
    if (filled === start.length) break;
  }
  return start.subarray(0, filled);
}

async function contentOf(file: RegularFile, gzip: boolean, header: IdxHeader) {
  const content = new Uint8Array(header.length);
  let at = -header.start;
  for await (const chunk of chunksOf(file, gzip)) {
    if (at + chunk.length > content.length) throw wrongLength(header, 'more');
    content.set(chunk.subarray(Math.max(0, -at)), Math.max(0, at));
    at += chunk.length;
  }
  if (at < content.length) throw wrongLength(header, at + header.start);
  return content;
}

/** The bytes of a file from its start, unpacked. Ending the iteration early stops the unpacking. */
async function* chunksOf(file: RegularFile, gzip: boolean): AsyncGenerator<Buffer> {
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
