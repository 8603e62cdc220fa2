import { TrikdError } from '@trikd/core/domain/errors';
import { readText } from '@trikd/process/read-text';
import type { Endpoint } from '../../server/endpoint.js';
import { type Login, type Logins, loginsOf } from './logins.js';

/** Seconds before its end at which a token is replaced: a call takes time, and clocks differ. */
const EARLY_SECONDS = 20;

/** Where the token of a call comes from. */
export interface TokenSource {
  /** A file that something else keeps current, such as that of a Kubernetes service account. */
  readonly tokenFile?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The token to send to a server: that of `--token-file`, of TRIKD_TOKEN, or of `trikd login` for this server. Undefined if there is none.
 * @throws TrikdError 'unauthenticated' if the login has ended, 'invalid' if the token would be sent over plain text
 */
export async function tokenFor(endpoint: Endpoint, { tokenFile, env }: TokenSource): Promise<string | undefined> {
  const token = await chosenToken(endpoint.target, tokenFile, env);
  if (token === undefined) return undefined;
  if (endpoint.tls || endpoint.isLocal) return token;
  const advice = `use https://${endpoint.target}`;
  throw new TrikdError('invalid', `a token is not sent to ${endpoint.target} over plain text; ${advice}`);
}

async function chosenToken(
  target: string,
  tokenFile: string | undefined,
  env: TokenSource['env'],
): Promise<string | undefined> {
  if (tokenFile !== undefined) return headerValue(readText(tokenFile), tokenFile);
  const { TRIKD_TOKEN: token } = env;
  if (token) return headerValue(token, 'TRIKD_TOKEN');
  const logins = loginsOf(env);
  const login = logins.get(target);
  if (!login) return undefined;
  return isCurrent(login) ? login.token : await logins.alone(() => newToken(logins, target));
}

/** Refreshes a login, unless another command has just done it. */
async function newToken(logins: Logins, target: string): Promise<string> {
  const login = logins.get(target);
  const again = `log in again with \`trikd login --server ${target}\``;
  if (!login) throw new TrikdError('unauthenticated', `the login for ${target} has ended; ${again}`);
  if (isCurrent(login)) return login.token;
  const { refreshed } = await import('./provider.js');
  const next = await refreshed(login).catch((error: unknown) => {
    if (!(error instanceof TrikdError) || error.kind !== 'unauthenticated') throw error;
    throw new TrikdError('unauthenticated', `${error.message}; ${again}`);
  });
  logins.set(target, next);
  return next.token;
}

function isCurrent({ expires }: Login): boolean {
  return expires - EARLY_SECONDS > Date.now() / 1000;
}

/** A text that can be sent as a header. The error does not quote it. */
function headerValue(text: string, where: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new TrikdError('invalid', `${where} does not contain a token`);
}
