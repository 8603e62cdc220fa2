import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metadata } from '@grpc/grpc-js';
import { listenError } from '@trikd/process/address';
import type { Logger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { GRPCInferenceServiceClient } from '@trikd/protocol/gen/node/inference/inference';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isServiceError } from '@trikd/protocol/status';
import type { AuditedCall, AuditLog } from '../access/audit-log.js';
import type { TokenVerifier } from '../access/identify.js';
import { LOOPBACK_ONLY, type Security } from '../access/security.js';
import { controlChannel, createClient, type Peer, separate } from '../grpc/channel.js';
import { openClient } from '../grpc/clients.js';
import { LONGEST_JSON } from '../inference/json-inference.js';
import { remoteModels } from '../inference/remote-models.js';
import { createConnectionGuard } from '../limits/connection-guard.js';
import { limitLog } from '../limits/limit-log.js';
import { answerRequest, sendJson } from './answer-request.js';
import { failureOf, type HttpFailure } from './http-failure.js';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './http-limits.js';
import { createBodyBudget } from './read-body.js';
import { createRequestGuard } from './request-guard.js';
import { readPage } from './send-file.js';

export interface DashboardOptions {
  /** host:port, port 0 for any free port. */
  readonly listen: string;
  /** Names of this host, besides localhost and IP addresses. */
  readonly hosts: readonly string[];
  /** Folder of the built page. */
  readonly page: string;
  /** host:port of RunService. */
  readonly service: string;
  /** host:port of a server of models, which /v2 asks. Absent: none. */
  readonly inference?: string;
  /** Default: plain text within this machine. */
  readonly security?: Security;
  readonly limits?: HttpLimits;
  /** Verifies the tokens of requests below /api. Absent: they need none. */
  readonly tokens?: TokenVerifier;
  /** Notified of each request that this server refuses; RunService reports its own refusals. */
  readonly audit?: AuditLog;
  /** Notified of each request that a limit refuses, and of each connection that it closes, with the name of the limit. */
  readonly onRefused?: (limit: string) => void;
  readonly log: Logger;
}

/** A dashboard that is listening. */
export interface Dashboard {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string;
  close(): Promise<void>;
}

/** For the body of a request to arrive. */
const BODY_SECONDS = 20;
/** For open streams to end by themselves. */
const CLOSE_SECONDS = 1;

/** Serves the page and, below /api, RunService as JSON and server-sent events. */
export async function serveDashboard(options: DashboardOptions): Promise<Dashboard> {
  const {
    listen,
    hosts,
    log,
    security = LOOPBACK_ONLY,
    limits = DEFAULT_HTTP_LIMITS,
    tokens,
    audit,
    onRefused,
  } = options;
  const files = readPage(options.page);
  const peer: Peer = { role: 'orchestrator', security };
  const client = openClient(RunServiceClient, options.service, peer);
  const streams = createClient(RunServiceClient, options.service, separate(controlChannel()), peer);
  const tried =
    options.inference === undefined
      ? undefined
      : openClient(GRPCInferenceServiceClient, options.inference, { role: 'anchor-server', security });
  const inference = tried && {
    models: (metadata: Metadata) => remoteModels(tried, metadata),
    bodies: createBodyBudget(LONGEST_JSON, `${LONGEST_JSON} bytes`),
  };
  const guard = createRequestGuard(limits, systemClock, onRefused);
  const connections = createConnectionGuard(limits, {
    ...{ clock: systemClock, section: 'http.limits' },
    closed: limitLog(log, systemClock, onRefused),
  });
  const headersTimeout = 1000 * limits.firstCallSeconds;
  const times = {
    headersTimeout,
    requestTimeout: headersTimeout + 1000 * BODY_SECONDS,
    connectionsCheckingInterval: 1000,
  };
  const server = createServer(times, (request, response) => {
    const { remoteAddress, remotePort } = request.socket;
    const from = `${remoteAddress}:${remotePort}`;
    response.once('close', connections.begin(from));
    for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value);
    answerRequest(request, response, {
      client,
      streams,
      guard,
      inference,
      tokens,
      history: limits.history,
      files,
      hosts,
    }).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy();
      const failure = failureOf(error);
      if (failure.status === 401) response.setHeader('www-authenticate', 'Bearer');
      if (REFUSALS.has(failure.status) && !isServiceError(error)) audit?.(refusalOf(request, from, failure));
      if (failure.status >= 500) log.warn({ err: error, url: request.url }, 'request failed');
      const { retryAfterMs } = failure;
      if (retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000));
      sendJson(response, failure.status, failure.body);
    });
  });
  server.prependListener('connection', (socket) => connections.admit(socket));
  const url = `http://${await bind(server, listen)}`;
  return {
    url,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      const late = setTimeout(() => server.closeAllConnections(), 1000 * CLOSE_SECONDS);
      server.closeIdleConnections();
      await closed;
      clearTimeout(late);
      client.close();
      streams.close();
      tried?.close();
    },
  };
}

/** Statuses of requests that are refused for who sends them, or from where. */
const REFUSALS = new Set([401, 403]);
/** Characters of a path in the audit log. */
const LONGEST_PATH = 200;

function refusalOf({ method, url = '/' }: IncomingMessage, peer: string, { body }: HttpFailure): AuditedCall {
  const { code, message } = body.error;
  const path = url.split('?')[0]?.slice(0, LONGEST_PATH);
  return { method: `${method} ${path}`, peer, outcome: code, caller: undefined, reason: message };
}

/** Resolves with host:port once the port is bound. */
async function bind(server: ReturnType<typeof createServer>, listen: string): Promise<string> {
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon);
  server.listen({ host: host.replace(/^\[|\]$/g, ''), port: Number(listen.slice(colon + 1)) });
  await once(server, 'listening').catch((cause: unknown) => {
    throw listenError(listen, cause);
  });
  const address = server.address();
  const { port } = address as AddressInfo;
  return `${host}:${port}`;
}

/** Headers of every answer of a server with a page. They allow resources of this origin only, no framing, and no inline scripts. */
export const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
