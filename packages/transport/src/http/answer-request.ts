import type { IncomingMessage, ServerResponse } from 'node:http';
import { type RunServiceClient, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type SentEvent, sendEvents } from './event-stream.js';
import { httpFailure, Refusal } from './http-failure.js';
import type { PageFile } from './page-files.js';
import { readBody } from './read-body.js';
import { type Route, routeOf } from './run-routes.js';
import { RUN_RPCS } from './run-rpcs.js';
import { refusal } from './same-origin.js';

/** What requests are answered with. */
export interface Answering {
  readonly client: RunServiceClient;
  readonly files: ReadonlyMap<string, PageFile>;
  /** Names of this host besides localhost. */
  readonly hosts: readonly string[];
}

/** Seconds: a run that is brought to rest waits for a pair, and the start of one for its data. */
const LONGEST_CALL = 60;

/** Answers one request. Throws what is to be answered instead. */
export async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { client, files, hosts }: Answering,
): Promise<void> {
  const { method = 'GET', headers } = request;
  const refused = refusal(
    {
      method,
      host: headers.host,
      origin: headers.origin,
      site: one(headers['sec-fetch-site']),
      contentType: headers['content-type'],
    },
    hosts,
  );
  if (refused !== undefined) throw new Refusal(httpFailure(403, 'PERMISSION_DENIED', refused));
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://here');
  if (!pathname.startsWith('/api/')) return sendFile(response, method, files.get(pathname), files.size > 0);
  const body = method === 'GET' || method === 'HEAD' ? undefined : await bodyOf(request);
  const asked = { method, path: pathname.slice('/api'.length), query: searchParams, body };
  const route = routeOf(asked, one(headers['last-event-id']));
  if (!route) throw new Refusal(httpFailure(404, 'NOT_FOUND', `there is no ${method} ${pathname}`));
  if (route.kind === 'watch') return watch(response, client, route);
  sendJson(response, 200, await RUN_RPCS[route.rpc](client, route.request, Date.now() + 1000 * LONGEST_CALL));
}

async function watch(
  response: ServerResponse,
  client: RunServiceClient,
  { runId, fromEvent }: Extract<Route, { readonly kind: 'watch' }>,
): Promise<void> {
  const gone = new AbortController();
  const call = client.watchRun({ runId, fromEvent });
  response.once('close', () => {
    gone.abort();
    call.cancel();
  });
  try {
    await sendEvents(response, sentEvents(call), gone.signal);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

/** The events of a run, and then that there are no more: a stream that breaks off is asked for again, one that ended is not. */
async function* sentEvents(messages: AsyncIterable<WatchRunResponse>): AsyncGenerator<SentEvent> {
  for await (const message of messages) yield { number: message.number, data: WatchRunResponse.toJSON(message) };
  yield { name: 'end', data: {} };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const text = await readBody(request);
  if (text === undefined) throw new Refusal(httpFailure(413, 'INVALID_ARGUMENT', 'the body is too long'));
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new Refusal(httpFailure(400, 'INVALID_ARGUMENT', 'the body is not JSON'));
  }
}

function sendFile(response: ServerResponse, method: string, file: PageFile | undefined, built: boolean): void {
  if (method !== 'GET' && method !== 'HEAD') throw new Refusal(httpFailure(405, 'UNIMPLEMENTED', `no ${method} here`));
  if (!file) {
    const message = built ? 'there is no such page' : 'the page is not built: make build';
    throw new Refusal(httpFailure(404, 'NOT_FOUND', message));
  }
  const { content, type, immutable } = file;
  const caching = immutable ? 'public, max-age=31536000, immutable' : 'no-cache';
  response.writeHead(200, { 'content-type': type, 'content-length': content.length, 'cache-control': caching });
  response.end(method === 'HEAD' ? undefined : content);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
