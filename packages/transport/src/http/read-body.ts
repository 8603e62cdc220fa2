import type { IncomingMessage } from 'node:http';
import { httpFailure, Rejection } from './http-failure.js';

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

/** Bounds the bodies of requests that are in memory at once. */
export interface BodyBudget {
  /** Largest body, in bytes. */
  readonly largest: number;
  /**
   * @param declared content-length of a request; undefined counts as the largest body
   * @returns what gives the bytes back
   * @throws Rejection with 429
   */
  take(declared: string | undefined): () => void;
}

/** As many of the largest bodies are in memory at once. */
const BODIES = 16;

/** @param setting that has the size of the largest body, for messages */
export function createBodyBudget(largest: number, setting: string): BodyBudget {
  let taken = 0;
  return {
    largest,
    take(declared) {
      const bytes = Number(declared ?? largest);
      const own = Number.isFinite(bytes) ? Math.min(bytes, largest) : largest;
      if (taken + own > BODIES * largest) {
        const message = `${BODIES} requests of ${setting} are read at once: retry later`;
        throw new Rejection({ ...httpFailure(429, 'RESOURCE_EXHAUSTED', message), retryAfterMs: 1000 });
      }
      taken += own;
      return () => {
        taken -= own;
      };
    },
  };
}
