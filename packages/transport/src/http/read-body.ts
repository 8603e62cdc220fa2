import type { IncomingMessage } from 'node:http';

/** The limit of RunService. */
const MAX_BYTES = 1024 * 1024;

/** Reads the body of a request as text; undefined if it is larger than any valid one. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  return (await readBytes(request, MAX_BYTES))?.toString('utf8');
}

/** Reads the body of a request; undefined if it is larger than `most` bytes, of which nothing is read if its header says so. */
export async function readBytes(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > most) return undefined;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    const chunk: Buffer = part;
    bytes += chunk.length;
    if (bytes > most) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
