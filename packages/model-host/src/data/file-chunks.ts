import type { RegularFile } from './regular-file.js';

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
