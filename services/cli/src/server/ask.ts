import { TrikdError } from '@trikd/core/domain/errors';
import { readText } from '@trikd/process/read-text';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { UnaryOptions } from '@trikd/transport/grpc/clients';
import { openUserClient, type UserConnection } from '@trikd/transport/grpc/open-user-client';
import { tokenFor } from '../commands/login/token-for.js';
import type { Shell } from '../terminal/shell.js';
import { type Endpoint, endpointOf } from './endpoint.js';

/** How a command reaches its orchestrator. */
export interface Connection {
  /** host:port, or a URL. */
  readonly server: string;
  /** PEM files. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tokenFile?: string;
}

/** The orchestrator that a command calls, and its time limit. */
export interface ServerChoice extends Connection {
  /** Seconds. */
  readonly timeout: number;
}

/** A connection to an orchestrator, for one command. */
export interface Asking {
  readonly client: RunServiceClient;
  /** Options of `unary`. */
  readonly how: UnaryOptions & { readonly signal: AbortSignal };
}

/** What of the options of a command says how to reach its orchestrator. */
export function serverChoiceOf({ server, timeout, ca, cert, key, tokenFile }: ServerChoice): ServerChoice {
  return {
    ...{ server, timeout },
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(tokenFile !== undefined && { tokenFile }),
  };
}

/** The endpoint that a command calls: with `--ca` or `--cert` over TLS, also on this machine. */
export function endpointFor({ server, ca, cert }: Connection): Endpoint {
  const endpoint = endpointOf(server);
  if (!endpoint) throw new TrikdError('invalid', `${server} is not the address of a server`);
  return { ...endpoint, tls: endpoint.tls || ca !== undefined || cert !== undefined };
}

/** How a client of this user calls the server. @throws TrikdError 'invalid' if a file cannot be read */
export function connectionOf(connection: Connection, env: Shell['env']): UserConnection {
  const { ca, cert, key, tokenFile } = connection;
  const endpoint = endpointFor(connection);
  const source = { env, ...(tokenFile !== undefined && { tokenFile }) };
  const files = {
    ...(ca !== undefined && { ca: pem(ca) }),
    ...(cert !== undefined && { cert: pem(cert) }),
    ...(key !== undefined && { key: pem(key) }),
  };
  return { target: endpoint.target, ...(endpoint.tls && { tls: files }), token: () => tokenFor(endpoint, source) };
}

function pem(file: string): Buffer {
  return Buffer.from(readText(file));
}

/** Works with a connection to an orchestrator and closes it. @throws TrikdError of the kind that the orchestrator answered with */
export async function withServer<T>(
  choice: ServerChoice,
  { env, rest }: Pick<Shell, 'env' | 'rest'>,
  work: (asking: Asking) => Promise<T>,
): Promise<T> {
  const { server, timeout } = choice;
  const client = openUserClient(RunServiceClient, connectionOf(choice, env));
  try {
    const what = `the orchestrator at ${server}`;
    return await work({ client, how: { what, deadlineSeconds: timeout, signal: rest } });
  } finally {
    client.close();
  }
}
