import type { IncomingMessage } from 'node:http';

/** The limit of RunService. */
const MAX_BYTES = 1024 * 1024;

/** Reads the body of a request as text; undefined if it is larger than any valid one. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    const chunk: Buffer = part;
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
