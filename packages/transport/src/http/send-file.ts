import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Metadata } from '@grpc/grpc-js';
import type { ReadBlobResponse, RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { httpFailure, Rejection } from './http-failure.js';

/**
 * Answers a request with a file of a built page, in gzip if the client takes it.
 * @param files by path; empty if the page is not built
 * @throws Rejection with 404 or 405
 */
export function sendFile(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  path: string,
  files: ReadonlyMap<string, PageFile>,
): void {
  if (method !== 'GET' && method !== 'HEAD')
    throw new Rejection(httpFailure(405, 'UNIMPLEMENTED', `${method} is not allowed`));
  const file = files.get(path);
  if (!file) {
    const message = files.size > 0 ? 'no such page' : 'the dashboard is not built; run make build';
    throw new Rejection(httpFailure(404, 'NOT_FOUND', message));
  }
  const { type, immutable } = file;
  const isPacked = acceptsGzip([headers['accept-encoding']].flat().join());
  const content = isPacked ? file.gzip : file.content;
  response.writeHead(200, {
    'content-type': type,
    'content-length': content.length,
    ...(isPacked && { 'content-encoding': 'gzip' }),
    'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
  });
  response.end(method === 'HEAD' ? undefined : content);
}

/** Whether a client takes gzip. @param accepted the header Accept-Encoding */
export function acceptsGzip(accepted: string): boolean {
  return accepted.split(',').some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding));
}

/** A file of tensors that a client wants. */
export interface WantedBlob {
  readonly runId: string;
  /** In the store. */
  readonly key: string;
  /** Absent: the whole file. */
  readonly range?: ByteRange;
  readonly metadata: Metadata;
}

/** For a client to read what it was sent, before it is given up. */
const STALL_SECONDS = 60;

/** The tag of the file at a key, with its quotes: a blob never changes. */
export function tagOf(key: string): string {
  return JSON.stringify(key.split('/').at(-1)?.replace('.safetensors', ''));
}

/**
 * Sends a file of tensors, or a part of it, at the pace at which the client reads: it costs the memory of a few pieces, however large it is.
 * The browser saves it under the name that the link says. A status of success is sent once the file is found: an earlier error is thrown,
 * so that the caller can answer with another status. A later one breaks the connection, so that the client has no complete file.
 */
export async function sendBlob(
  response: ServerResponse,
  client: RunServiceClient,
  { runId, key, range, metadata }: WantedBlob,
): Promise<void> {
  const gone = new AbortController();
  const call = client.readBlob({ runId, key, ...(range ?? { offset: 0, length: 0 }) }, metadata);
  response.once('close', () => {
    gone.abort();
    call.cancel();
  });
  try {
    for await (const { size, data } of call as AsyncIterable<ReadBlobResponse>) {
      if (!response.headersSent) {
        begin(response, key, size, range);
        response.flushHeaders();
      } else if (!response.write(data)) await drained(response, gone.signal);
    }
    response.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    if (!response.headersSent) throw error;
    response.destroy();
  }
}

function begin(response: ServerResponse, key: string, size: number, range: ByteRange | undefined): void {
  const headers = {
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
    etag: tagOf(key),
  };
  if (!range) return void response.writeHead(200, { ...headers, 'content-length': size });
  if (range.offset >= size) return void response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` });
  const end = range.length === 0 ? size : Math.min(size, range.offset + range.length);
  response.writeHead(206, {
    ...headers,
    'content-length': end - range.offset,
    'content-range': `bytes ${range.offset}-${end - 1}/${size}`,
  });
}

async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  await once(response, 'drain', { signal: AbortSignal.any([gone, AbortSignal.timeout(1000 * STALL_SECONDS)]) });
}

/** A part of a file that is wanted. */
interface ByteRange {
  /** From 0. */
  readonly offset: number;
  /** 0: all that follows. */
  readonly length: number;
}

/**
 * The part of a file that a request wants; undefined: all of it. Parts that do not begin at an offset, and several at once, are not read:
 * HTTP lets a server answer with the whole file instead.
 * @param range the header Range
 * @param condition the header If-Range: the tag of the file that the client has the other part of
 * @param tag of the file, with its quotes
 */
export function wantedRange(
  range: string | undefined,
  condition: string | undefined,
  tag: string,
): ByteRange | undefined {
  if (condition !== undefined && condition !== tag) return undefined;
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === undefined) return undefined;
  const offset = Number(first);
  const length = last === '' ? 0 : Number(last) - offset + 1;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return undefined;
  return last !== '' && length < 1 ? undefined : { offset, length };
}

/** A file of the dashboard page. */
export interface PageFile {
  readonly content: Buffer;
  /** The same in gzip, for clients that accept it. */
  readonly gzip: Buffer;
  readonly type: string;
  /** Whether its name changes with its content, so that it can be cached forever. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads the files of a built page, by URL path; empty if it is not built. No other file can be served. */
export function readPage(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of entriesOf(folder)) {
    const type = TYPES[extname(entry)];
    if (type === undefined) continue;
    const path = `/${entry.split(sep).join('/')}`;
    const content = readFileSync(join(folder, entry));
    const file = { content, gzip: gzipSync(content), type, immutable: path.startsWith('/assets/') };
    files.set(path === '/index.html' ? '/' : path, file);
  }
  return files;
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}
