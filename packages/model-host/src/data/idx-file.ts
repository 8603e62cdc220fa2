import { type IdxHeader, type IdxPart, LONGEST_HEADER, readIdxHeader, wrongLength } from '@trikd/core/data/idx';
import { TrikdError } from '@trikd/core/domain/errors';
import { mostInflation } from './file-chunks.js';
import { openRegular, type RegularFile } from './regular-file.js';
import { isGzip, unpackedChunks } from './unpacked-chunks.js';

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
  for await (const chunk of unpackedChunks(file, gzip)) {
    filled += chunk.copy(start, filled);
    if (filled === start.length) break;
  }
  return start.subarray(0, filled);
}

async function contentOf(file: RegularFile, gzip: boolean, header: IdxHeader) {
  const content = new Uint8Array(header.length);
  let at = -header.start;
  for await (const chunk of unpackedChunks(file, gzip)) {
    if (at + chunk.length > content.length) throw wrongLength(header, 'more');
    content.set(chunk.subarray(Math.max(0, -at)), Math.max(0, at));
    at += chunk.length;
  }
  if (at < content.length) throw wrongLength(header, at + header.start);
  return content;
}
