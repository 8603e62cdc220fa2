import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from '@trikd/process/address';
import type { Logger } from '@trikd/process/logging';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { LOOPBACK_ONLY, type Security } from '../access/security.js';
import { openClient } from '../grpc/clients.js';
import { answerRequest, sendJson } from './answer-request.js';
import { failureOf } from './http-failure.js';
import { readPage } from './page-files.js';

export interface DashboardOptions {
  /** host:port, port 0 for any free port. */
  readonly listen: string;
  /** Names of this host, besides localhost and IP addresses. */
  readonly hosts: readonly string[];
  /** Folder of the built page. */
  readonly page: string;
  /** host:port of RunService. */
  readonly service: string;
  /** Default: plain text within this machine. */
  readonly security?: Security;
  readonly log: Logger;
}

/** A dashboard that is listening. */
export interface Dashboard {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string;
  close(): Promise<void>;
}

/** For open streams to end by themselves. */
const CLOSE_SECONDS = 1;

/** Allows resources of this origin only, no framing, and no inline scripts. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** Serves the page and, below /api, RunService as JSON and server-sent events. */
export async function serveDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { listen, hosts, log, security = LOOPBACK_ONLY } = options;
  const files = readPage(options.page);
  const client = openClient(RunServiceClient, options.service, { role: 'orchestrator', security });
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    answerRequest(request, response, { client, files, hosts }).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy();
      const failure = failureOf(error);
      if (failure.status >= 500) log.warn({ err: error, url: request.url }, 'request failed');
      sendJson(response, failure.status, failure.body);
    });
  });
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
    },
  };
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
