import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from '@trikd/process/address';
import type { Logger } from '@trikd/process/logging';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openClient } from '../grpc/clients.js';
import { answerRequest, sendJson } from './answer-request.js';
import { failureOf } from './http-failure.js';
import { readPage } from './page-files.js';

export interface DashboardOptions {
  /** host:port, port 0 for any that is free. */
  readonly listen: string;
  /** Names, besides localhost and addresses, under which it is asked. */
  readonly hosts: readonly string[];
  /** Folder of the built page. */
  readonly page: string;
  /** host:port of RunService. */
  readonly service: string;
  readonly log: Logger;
}

/** The dashboard, listening. */
export interface Dashboard {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string;
  close(): Promise<void>;
}

/** Seconds that open streams get to end by themselves. */
const FAREWELL = 1;

/** Nothing comes from elsewhere, nothing is in a frame, and no script is in the page itself. */
const SECURITY = {
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
  const { listen, hosts, log } = options;
  const files = readPage(options.page);
  const client = openClient(RunServiceClient, options.service);
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(SECURITY)) response.setHeader(name, value);
    answerRequest(request, response, { client, files, hosts }).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy();
      const failure = failureOf(error);
      if (failure.status >= 500) log.warn({ err: error, url: request.url }, 'a request failed');
      sendJson(response, failure.status, failure.body);
    });
  });
  const url = `http://${await bind(server, listen)}`;
  return {
    url,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      const late = setTimeout(() => server.closeAllConnections(), 1000 * FAREWELL);
      server.closeIdleConnections();
      await closed;
      clearTimeout(late);
      client.close();
    },
  };
}

/** Resolves with the host and the port that was bound. */
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
