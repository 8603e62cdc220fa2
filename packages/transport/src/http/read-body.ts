import type { IncomingMessage } from 'node:http';

/** As much as RunService takes. */
const MOST_BYTES = 1024 * 1024;

/** The body of a request as text; undefined when it is longer than anything that is asked for here. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    const chunk: Buffer = part;
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
