import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TrikdError } from '@trikd/core/domain/errors';
import { isLoopback, listenError } from '@trikd/process/address';
import type { Logger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import type { TokenVerifier } from '@trikd/transport/access/identify';
import { assertAllowed } from '@trikd/transport/access/policy';
import { sendJson } from '@trikd/transport/http/answer-request';
import { failureOf, httpFailure, Rejection } from '@trikd/transport/http/http-failure';
import type { HttpLimits } from '@trikd/transport/http/http-limits';
import { type BodyBudget, createBodyBudget } from '@trikd/transport/http/read-body';
import { createRequestGuard, identityOf, type RequestGuard, reasonToReject } from '@trikd/transport/http/request-guard';
import { type PageFile, readPage, sendFile } from '@trikd/transport/http/send-file';
import { PAGE_HEADERS } from '@trikd/transport/http/serve-dashboard';
import { answerInference, INFERENCE_METHODS, inferenceRoute } from '@trikd/transport/inference/answer-inference';
import { createConnectionGuard } from '@trikd/transport/limits/connection-guard';
import { limitLog } from '@trikd/transport/limits/limit-log';
import type { ModelServer } from './model-server.js';

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
  /** Folder of the built page to try the models, which is at the root. Absent, or not built: there is none. */
  readonly page?: string;
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
const SECTION = 'serving.httpLimits';
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
  const bodies = createBodyBudget(options.requestBytes, 'serving.limits.requestBytes');
  const files = options.page === undefined ? new Map() : readPage(options.page);
  const server = createServer({ ...times, connectionsCheckingInterval: 1000 }, (request, response) => {
    const { remoteAddress, remotePort } = request.socket;
    response.once('close', connections.begin(`${remoteAddress}:${remotePort}`));
    for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value);
    answer(request, response, { ...options, guard, bodies, files }).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy();
      const { status, body, retryAfterMs } = failureOf(error);
      if (status === 401) response.setHeader('www-authenticate', 'Bearer');
      if (retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000));
      if (status >= 500 && status !== 503) log.warn({ err: error, url: request.url }, 'request failed');
      // The rest of a body that nobody reads would keep the connection busy.
      if (!request.complete) response.setHeader('connection', 'close');
      sendJson(response, status, { error: body.error.message });
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

interface AnswerParts extends ServingHttpOptions {
  readonly guard: RequestGuard;
  readonly bodies: BodyBudget;
  /** Of the page, by path. */
  readonly files: ReadonlyMap<string, PageFile>;
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: AnswerParts): Promise<void> {
  const { models, tokens, guard, bodies, files, hosts } = parts;
  const { method = 'GET', headers, url = '/' } = request;
  const rejected = reasonToReject({ ...originOf(request), method, host: headers.host }, hosts, 'serving.hosts');
  if (rejected !== undefined) throw new Rejection(httpFailure(403, 'PERMISSION_DENIED', rejected));
  const path = url.split('?')[0]!;
  const file = path === '/' ? '/try.html' : path;
  if (files.has(file)) return sendFile(request, response, file, files);
  const route = inferenceRoute(method, path);
  if (!route) throw new Rejection(httpFailure(404, 'NOT_FOUND', `no route for ${method} ${path.slice(0, 200)}`));
  const isOpen = route.kind === 'live' || route.kind === 'ready';
  // Probes have no token.
  const { name, caller } = await identityOf(request, isOpen ? undefined : tokens);
  const rpc = INFERENCE_METHODS[route.kind];
  if (caller) assertAllowed(`/inference.GRPCInferenceService/${rpc}`, caller);
  const end = guard.begin({ caller: name, method: rpc, streams: false });
  try {
    await answerInference(request, response, route, { models, bodies });
  } finally {
    end();
  }
}

/** Programs other than browsers send no origin, and any type. */
function originOf({ headers }: IncomingMessage) {
  const { origin, 'content-type': type = '' } = headers;
  const [site] = [headers['sec-fetch-site']].flat();
  const isBinary = /^application\/octet-stream\b/i.test(type);
  const contentType = isBinary || (origin === undefined && site === undefined) ? 'application/json' : type;
  return { origin, site, contentType };
}
