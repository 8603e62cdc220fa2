import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TrikdError } from '@trikd/core/domain/errors';
import { isLoopback, listenError } from '@trikd/process/address';
import type { Logger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { fromIndex, fromModelFacts } from '@trikd/protocol/convert-inference';
import type { TokenVerifier } from '@trikd/transport/access/identify';
import { assertAllowed } from '@trikd/transport/access/policy';
import { failureOf, httpFailure, Rejection } from '@trikd/transport/http/http-failure';
import type { HttpLimits } from '@trikd/transport/http/http-limits';
import { readBytes } from '@trikd/transport/http/read-body';
import { createRequestGuard, type RequestGuard } from '@trikd/transport/http/request-guard';
import { identityOf } from '@trikd/transport/http/request-identity';
import { reasonToReject } from '@trikd/transport/http/same-origin';
import { createConnectionGuard } from '@trikd/transport/limits/connection-guard';
import { limitLog } from '@trikd/transport/limits/limit-log';
import { SERVER } from '../inference.controller.js';
import type { ModelServer } from '../model-server.js';
import { type InferenceRoute, inferenceRoute } from './inference-routes.js';
import { jsonAnswer, readJsonRequest } from './json-inference.js';

/** How models are served over HTTP. */
export interface ServingHttpOptions {
  readonly models: ModelServer;
  /** host:port, port 0 for any free port. */
  readonly listen: string;
  /** Where plain text is allowed. */
  readonly plaintext: 'loopback' | 'anywhere';
  /** Names of this host, besides localhost and IP addresses. */
  readonly hosts: readonly string[];
  readonly limits: HttpLimits;
  /** Largest request, in bytes. */
  readonly requestBytes: number;
  /** Verifies the tokens of requests. Absent: they need none. */
  readonly tokens?: TokenVerifier;
  /** Notified of each request that a limit refuses, and of each connection that it closes, with the name of the limit. */
  readonly onRefused?: (limit: string) => void;
  readonly log: Logger;
}

/** A server that is listening. */
export interface ServingHttp {
  /** Such as http://127.0.0.1:50056. */
  readonly url: string;
  /** Answers what was asked, then closes. */
  close(): Promise<void>;
}

/** For the body of a request to arrive. */
const BODY_SECONDS = 20;
/** For open requests to be answered. */
const CLOSE_SECONDS = 5;
/** Largest requests that are in memory at once. */
const BODIES = 16;
const SECTION = 'serving.httpLimits';
/** Of the extension for tensors as bytes. */
const HEADER_LENGTH = 'inference-header-content-length';
/** The methods of the gRPC form, whose rules are those of the routes. */
const RULES: Readonly<Record<InferenceRoute['kind'], string>> = {
  live: 'ServerLive',
  ready: 'ServerReady',
  server: 'ServerMetadata',
  index: 'RepositoryIndex',
  model: 'ModelMetadata',
  'model-ready': 'ModelReady',
  infer: 'ModelInfer',
};

/**
 * Serves models in the HTTP and JSON form of the Open Inference Protocol.
 * @throws TrikdError 'unavailable' if it cannot listen, 'invalid' if it may not listen there in plain text
 */
export async function serveModelsHttp(options: ServingHttpOptions): Promise<ServingHttp> {
  const { listen, plaintext, limits, onRefused, log } = options;
  if (plaintext !== 'anywhere' && !isLoopback(listen)) {
    const advice = 'put a proxy with TLS on this machine in front of it, or set plaintext: anywhere';
    throw new TrikdError('invalid', `models cannot be served on ${listen}, which speaks plain text: ${advice}`);
  }
  const guard = createRequestGuard(limits, systemClock, onRefused, SECTION);
  const connections = createConnectionGuard(limits, {
    ...{ clock: systemClock, section: SECTION },
    closed: limitLog(log, systemClock, onRefused),
  });
  const headersTimeout = 1000 * limits.firstCallSeconds;
  const times = { headersTimeout, requestTimeout: headersTimeout + 1000 * BODY_SECONDS };
  const bodies = createBudget(BODIES * options.requestBytes);
  const server = createServer({ ...times, connectionsCheckingInterval: 1000 }, (request, response) => {
    const { remoteAddress, remotePort } = request.socket;
    response.once('close', connections.begin(`${remoteAddress}:${remotePort}`));
    response.setHeader('x-content-type-options', 'nosniff');
    answer(request, response, { ...options, guard, bodies }).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy();
      const { status, body, retryAfterMs } = failureOf(error);
      if (status === 401) response.setHeader('www-authenticate', 'Bearer');
      if (retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000));
      if (status >= 500 && status !== 503) log.warn({ err: error, url: request.url }, 'request failed');
      // The rest of a body that nobody reads would keep the connection busy.
      if (!request.complete) response.setHeader('connection', 'close');
      send(response, status, { error: body.error.message });
    });
  });
  server.prependListener('connection', (socket) => connections.admit(socket));
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon);
  server.listen({ host: host.replace(/^\[|\]$/g, ''), port: Number(listen.slice(colon + 1)) });
  await once(server, 'listening').catch((cause: unknown) => {
    throw listenError(listen, cause);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      const late = setTimeout(() => server.closeAllConnections(), 1000 * CLOSE_SECONDS);
      server.closeIdleConnections();
      await closed;
      clearTimeout(late);
    },
  };
}

/** Bytes that may be in memory at once. */
interface Budget {
  /** @returns what gives them back. @throws Rejection with 429 */
  take(bytes: number): () => void;
}

function createBudget(most: number): Budget {
  let taken = 0;
  return {
    take(bytes) {
      if (taken + bytes > most) {
        const message = `${BODIES} requests of serving.limits.requestBytes are read at once: retry later`;
        throw new Rejection({ ...httpFailure(429, 'RESOURCE_EXHAUSTED', message), retryAfterMs: 1000 });
      }
      taken += bytes;
      return () => {
        taken -= bytes;
      };
    },
  };
}

interface AnswerParts extends ServingHttpOptions {
  readonly guard: RequestGuard;
  readonly bodies: Budget;
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: AnswerParts): Promise<void> {
  const { models, tokens, guard, hosts } = parts;
  const { method = 'GET', headers, url = '/' } = request;
  const rejected = reasonToReject({ ...originOf(request), method, host: headers.host }, hosts, 'serving.hosts');
  if (rejected !== undefined) throw new Rejection(httpFailure(403, 'PERMISSION_DENIED', rejected));
  const path = url.split('?')[0]!;
  const route = inferenceRoute(method, path);
  if (!route) throw new Rejection(httpFailure(404, 'NOT_FOUND', `no route for ${method} ${path.slice(0, 200)}`));
  const isOpen = route.kind === 'live' || route.kind === 'ready';
  // Probes have no token.
  const { name, caller } = await identityOf(request, isOpen ? undefined : tokens);
  if (caller) assertAllowed(`/inference.GRPCInferenceService/${RULES[route.kind]}`, caller);
  const end = guard.begin({ caller: name, method: RULES[route.kind], streams: false });
  try {
    switch (route.kind) {
      case 'live':
        return send(response, 200, { live: true });
      case 'ready': {
        const ready = models.ready();
        return send(response, ready ? 200 : 503, { ready });
      }
      case 'server':
        return send(response, 200, { ...SERVER, extensions: [...SERVER.extensions, 'binary_tensor_data'] });
      case 'index':
        return send(response, 200, fromIndex(models.index(), await wantsReady(request)).models);
      case 'model':
        return send(response, 200, fromModelFacts(await models.metadata(route.model, route.version)));
      case 'model-ready': {
        const ready = models.modelReady(route.model, route.version);
        return send(response, ready ? 200 : 503, { name: route.model, ready });
      }
      case 'infer':
        return await infer(request, response, route, parts);
    }
  } finally {
    end();
  }
}

/** Programs other than browsers send no origin, and any type. */
function originOf({ headers }: IncomingMessage) {
  const { origin, 'content-type': type = '' } = headers;
  const site = one(headers['sec-fetch-site']);
  const isBinary = /^application\/octet-stream\b/i.test(type);
  const contentType = isBinary || (origin === undefined && site === undefined) ? 'application/json' : type;
  return { origin, site, contentType };
}

async function infer(
  request: IncomingMessage,
  response: ServerResponse,
  { model, version }: { readonly model: string; readonly version: string },
  { models, bodies, requestBytes }: AnswerParts,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new TrikdError('unavailable', 'the caller has left'));
  });
  const declared = Number(request.headers['content-length'] ?? requestBytes);
  const giveBack = bodies.take(Math.min(Number.isFinite(declared) ? declared : requestBytes, requestBytes));
  try {
    const body = await readBytes(request, requestBytes);
    if (!body) {
      const message = `serving.limits.requestBytes allows ${requestBytes} bytes in a request`;
      throw new Rejection(httpFailure(413, 'INVALID_ARGUMENT', message));
    }
    const length = one(request.headers[HEADER_LENGTH]);
    const asked = readJsonRequest(body, length === undefined ? undefined : Number(length), { model, version });
    const { json, bytes } = jsonAnswer(await models.infer(asked.request, gone.signal), asked);
    if (bytes) {
      const head = Buffer.from(json);
      response.writeHead(200, {
        'content-type': 'application/octet-stream',
        [HEADER_LENGTH]: head.length,
        'content-length': head.length + bytes.length,
        'cache-control': 'no-store',
      });
      response.write(head);
      response.end(bytes);
    } else sendText(response, 200, json);
  } finally {
    giveBack();
  }
}

/** Whether the body of a request for the index asks for what is loaded alone. */
async function wantsReady(request: IncomingMessage): Promise<boolean> {
  const text = (await readBytes(request, 1024))?.toString() ?? '';
  try {
    const body: unknown = text === '' ? {} : JSON.parse(text);
    return typeof body === 'object' && body !== null && 'ready' in body && body.ready === true;
  } catch {
    throw new Rejection(httpFailure(400, 'INVALID_ARGUMENT', 'the request is not JSON'));
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, JSON.stringify(body));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
