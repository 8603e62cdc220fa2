import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Metadata } from '@grpc/grpc-js';
import { type RunServiceClient, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { TokenVerifier } from '../access/identify.js';
import { assertAllowed } from '../access/policy.js';
import {
  answerInference,
  INFERENCE_METHODS,
  type InferenceSource,
  inferenceRoute,
} from '../inference/answer-inference.js';
import { httpFailure, Rejection } from './http-failure.js';
import { type BodyBudget, readBody } from './read-body.js';
import { identityOf, type RequestGuard, reasonToReject } from './request-guard.js';
import { RUN_RPCS, routeOf } from './run-routes.js';
import { type PageFile, sendBlob, sendFile, tagOf, wantedRange } from './send-file.js';

/** What the answers to requests are made from. */
export interface AnswerParts {
  readonly client: RunServiceClient;
  /** For event streams, on a connection of its own: streams must not keep calls waiting. */
  readonly streams: RunServiceClient;
  readonly guard: RequestGuard;
  /** Models to try, which are asked with the metadata of a request. Absent: there are none. */
  readonly inference?:
    | { readonly models: (metadata: Metadata) => InferenceSource; readonly bodies: BodyBudget }
    | undefined;
  /** Absent: requests need no token. */
  readonly tokens?: TokenVerifier | undefined;
  /** Events of the past that a stream starts with, unless the request names its first event. */
  readonly history: number;
  readonly files: ReadonlyMap<string, PageFile>;
  /** Names of this host, besides localhost. */
  readonly hosts: readonly string[];
}

/** Pausing a run waits for a checkpoint; creating one, for its data. */
const CALL_SECONDS = 60;

/** Answers a request. @throws an error for `failureOf` if the answer is a failure */
export async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  parts: AnswerParts,
): Promise<void> {
  const { client, streams, guard, tokens, history, files, hosts } = parts;
  const { method = 'GET', headers } = request;
  const rejected = reasonToReject(
    {
      method,
      host: headers.host,
      origin: headers.origin,
      site: one(headers['sec-fetch-site']),
      contentType: headers['content-type'],
    },
    hosts,
  );
  if (rejected !== undefined) throw new Rejection(httpFailure(403, 'PERMISSION_DENIED', rejected));
  const { pathname, searchParams } = urlOf(request);
  if (/^\/v2(\/|$)/.test(pathname)) return tryModel(request, response, pathname, parts);
  if (!pathname.startsWith('/api/')) return sendFile(request, response, pathname, files);
  // Before anything of the request is read or looked up.
  const { name, metadata } = await identityOf(request, tokens);
  const body = method === 'GET' || method === 'HEAD' ? undefined : await bodyOf(request);
  const apiRequest = { method, path: pathname.slice('/api'.length), query: searchParams, body };
  const route = routeOf(apiRequest, one(headers['last-event-id']));
  if (!route) throw new Rejection(httpFailure(404, 'NOT_FOUND', `no route for ${method} ${pathname}`));
  if (route.kind === 'invalid') throw new Rejection(httpFailure(400, 'INVALID_ARGUMENT', route.message));
  const isStream = route.kind !== 'call';
  const what = route.kind === 'call' ? route.rpc : route.kind === 'blob' ? 'blobs' : 'events';
  const end = guard.begin({ caller: name, method: what, streams: isStream });
  try {
    if (route.kind === 'blob') {
      const range = wantedRange(headers.range, one(headers['if-range']), tagOf(route.key));
      return await sendBlob(response, streams, { ...route, metadata, ...(range && { range }) });
    }
    if (route.kind === 'history') return await sendHistory(response, streams, route, metadata);
    if (route.kind === 'watch') return await watch(response, streams, { ...route, history, metadata });
    const call = { metadata, deadline: Date.now() + 1000 * CALL_SECONDS };
    sendJson(response, 200, await RUN_RPCS[route.rpc](client, route.request, call));
  } finally {
    end();
  }
}

/** Asks a served model, in the name of the person who asks. */
async function tryModel(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { guard, tokens, inference }: AnswerParts,
): Promise<void> {
  const { method = 'GET' } = request;
  const { name, caller, metadata } = await identityOf(request, tokens);
  const route = inferenceRoute(method, path);
  if (!route) throw new Rejection(httpFailure(404, 'NOT_FOUND', `no route for ${method} ${path}`));
  const rpc = INFERENCE_METHODS[route.kind];
  // The server may know this service alone.
  if (caller) assertAllowed(`/inference.GRPCInferenceService/${rpc}`, caller);
  if (!inference) {
    throw new Rejection(httpFailure(404, 'NOT_FOUND', 'no models are served here: set http.inference'));
  }
  const end = guard.begin({ caller: name, method: rpc, streams: false });
  try {
    const { models, bodies } = inference;
    await answerInference(request, response, route, { models: models(metadata), bodies });
  } finally {
    end();
  }
}

interface WatchedEvents {
  readonly runId: string;
  readonly fromEvent: number;
  readonly history: number;
  readonly metadata: Metadata;
}

async function watch(
  response: ServerResponse,
  client: RunServiceClient,
  { runId, fromEvent, history, metadata }: WatchedEvents,
): Promise<void> {
  const gone = new AbortController();
  const newest = fromEvent === 0 ? { newestEvents: history } : {};
  const call = client.watchRun({ runId, fromEvent, pastOnly: false, ...newest }, metadata);
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

/** Sends the stored events of a run, or the newest of them, as a file. */
async function sendHistory(
  response: ServerResponse,
  client: RunServiceClient,
  { runId, newestEvents }: { readonly runId: string; readonly newestEvents?: number },
  metadata: Metadata,
): Promise<void> {
  const gone = new AbortController();
  const from = newestEvents === undefined ? { fromEvent: 1 } : { fromEvent: 0, newestEvents };
  const call = client.watchRun({ runId, ...from, pastOnly: true }, metadata);
  response.once('close', () => {
    gone.abort();
    call.cancel();
  });
  try {
    await sendLines(response, jsonOf(call), `${encodeURIComponent(runId)}.jsonl`, gone.signal);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

async function* jsonOf(messages: AsyncIterable<WatchRunResponse>): AsyncGenerator<unknown> {
  for await (const message of messages) yield WatchRunResponse.toJSON(message);
}

/** The events of a run, then an event for the end: browsers reconnect to a stream that just stops. */
async function* sentEvents(messages: AsyncIterable<WatchRunResponse>): AsyncGenerator<SentEvent> {
  for await (const message of messages) yield { number: message.number, data: WatchRunResponse.toJSON(message) };
  yield { name: 'end', data: {} };
}

/** Of a request such as `GET // HTTP/1.1`, which names no path, there is none. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  if (url.startsWith('/') && URL.canParse(`http://here${url}`)) return new URL(`http://here${url}`);
  throw new Rejection(httpFailure(400, 'INVALID_ARGUMENT', 'the request names no valid path'));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const text = await readBody(request);
  if (text === undefined) throw new Rejection(httpFailure(413, 'INVALID_ARGUMENT', 'the request body is too large'));
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new Rejection(httpFailure(400, 'INVALID_ARGUMENT', 'the request body is not JSON'));
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** Proxies close connections that are silent for a minute, and browsers detect dead ones by missing heartbeats. */
const HEARTBEAT_MS = 15_000;

/** A server-sent event. Without a name it is a `message`. Streams can be resumed after events with a number. */
interface SentEvent {
  readonly name?: string;
  readonly number?: number;
  readonly data: unknown;
}

export function eventText({ name, number, data }: SentEvent): string {
  const lines = [
    ...(name === undefined ? [] : [`event: ${name}`]),
    ...(number === undefined || number === 0 ? [] : [`id: ${number}`]),
    `data: ${JSON.stringify(data)}`,
  ];
  return `${lines.join('\n')}\n\n`;
}

/**
 * Sends events at the pace at which the client reads. Status 200 is sent with the first event: an earlier error is thrown,
 * so that the caller can answer with another status.
 */
async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<SentEvent>,
  gone: AbortSignal,
): Promise<void> {
  const heartbeat = setInterval(() => {
    if (response.headersSent) response.write(eventText({ name: 'beat', data: {} }));
  }, HEARTBEAT_MS);
  try {
    for await (const event of events) {
      if (!response.headersSent) {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        response.write('retry: 1000\n\n');
      }
      if (!response.write(eventText(event))) await once(response, 'drain', { signal: gone });
    }
  } catch (error) {
    if (!response.headersSent) throw error;
    // A broken connection makes the client resume the stream.
    response.destroy();
  } finally {
    clearInterval(heartbeat);
  }
  response.end();
}

/**
 * Sends values as JSON, one in each line, for the browser to save, at the pace at which the client reads. Status 200 is sent with the
 * first value: an earlier error is thrown, so that the caller can answer with another status.
 * @param file name that the browser suggests
 */
async function sendLines(
  response: ServerResponse,
  values: AsyncIterable<unknown>,
  file: string,
  gone: AbortSignal,
): Promise<void> {
  const begin = () => {
    const disposition = `attachment; filename="${file}"`;
    const headers = { 'content-type': 'application/jsonl', 'content-disposition': disposition };
    response.writeHead(200, { ...headers, 'cache-control': 'no-store' });
  };
  try {
    for await (const value of values) {
      if (!response.headersSent) begin();
      if (!response.write(`${JSON.stringify(value)}\n`)) await once(response, 'drain', { signal: gone });
    }
  } catch (error) {
    if (!response.headersSent) throw error;
    // The client notices that the file is incomplete.
    return void response.destroy();
  }
  if (!response.headersSent) begin();
  response.end();
}
