import { TrikdError } from '@trikd/core/domain/errors';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { factsOf } from '@trikd/protocol/status';
import { isProtected } from '@trikd/transport/access/oidc-config';
import { unary } from '@trikd/transport/grpc/clients';
import { openUserClient } from '@trikd/transport/grpc/open-user-client';
import { connectionOf, endpointFor, type ServerChoice } from '../../server/ask.js';
import { type Shell, say } from '../../terminal/shell.js';
import { type Login, loginsOf } from './logins.js';
import type { Provider } from './provider.js';

/** Options of `trikd login`. */
export interface LoginOptions extends ServerChoice {
  readonly issuer?: string;
  readonly clientId?: string;
}

/** Logs in for a server and keeps the login. Returns undefined if the server accepts calls without one. */
export async function logIn(options: LoginOptions, shell: Shell): Promise<Login | undefined> {
  const { target, tls, isLocal } = endpointFor(options);
  if (!tls && !isLocal) {
    throw new TrikdError('invalid', `a token is not sent to ${target} over plain text; use https://${target}`);
  }
  const provider = await providerFor(options, shell);
  if (!provider) return undefined;
  const { issuer, clientId } = provider;
  if (!isProtected(issuer)) throw new TrikdError('invalid', `${issuer} is not an https:// address`);
  say(shell, `logging in at ${issuer} as the application ${clientId}`);
  const { requestDeviceCode } = await import('./provider.js');
  const { url, code, completeUrl, login } = await requestDeviceCode(provider);
  say(shell, `open ${url} and enter the code ${code}`);
  if (completeUrl !== undefined) say(shell, `or open ${completeUrl}`);
  const done = await login(shell.rest);
  const logins = loginsOf(shell.env);
  await logins.alone(async () => logins.set(target, done));
  return done;
}

/** The provider that the options name, or the one that the server names when it refuses a call without a token. */
async function providerFor(options: LoginOptions, shell: Shell): Promise<Provider | undefined> {
  const { issuer, clientId, server } = options;
  if (issuer !== undefined && clientId !== undefined) return { issuer, clientId };
  const named = await namedByServer(options, shell);
  if (!named) return undefined;
  const provider = { issuer: issuer ?? named['issuer'], clientId: clientId ?? named['client_id'] };
  if (provider.issuer !== undefined && provider.clientId !== undefined) {
    return { issuer: provider.issuer, clientId: provider.clientId };
  }
  throw new TrikdError('invalid', `${server} names no OpenID provider; name it with --issuer and --client-id`);
}

async function namedByServer(
  options: LoginOptions,
  shell: Shell,
): Promise<Readonly<Record<string, string | undefined>> | undefined> {
  // Without the token of this user: the refusal is what is wanted.
  const { token: _, ...connection } = connectionOf(options, shell.env);
  const client = openUserClient(RunServiceClient, connection);
  const how = { what: `the orchestrator at ${options.server}`, deadlineSeconds: options.timeout, signal: shell.rest };
  try {
    await unary(client.listRuns.bind(client), { pageSize: 1, pageToken: '', phases: [] }, how);
    return undefined;
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'unauthenticated') return factsOf(error);
    throw error;
  } finally {
    client.close();
  }
}
