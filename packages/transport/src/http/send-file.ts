import type { IncomingMessage, ServerResponse } from 'node:http';
import { httpFailure, Rejection } from './http-failure.js';
import type { PageFile } from './page-files.js';

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
