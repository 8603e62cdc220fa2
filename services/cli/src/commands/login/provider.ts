import { TrikdError } from '@trikd/core/domain/errors';
import * as client from 'openid-client';
import type { Login } from './logins.js';

// This file is imported when a person logs in or a token must be refreshed, and not before: its library takes time to load.

/** An OpenID provider, and the client of `trikd` there. */
export interface Provider {
  readonly issuer: string;
  readonly clientId: string;
}

/** Where a person enters what. */
export interface DeviceCode {
  readonly url: string;
  readonly code: string;
  /** The address with the code in it, if the provider has one. */
  readonly completeUrl?: string;
  /** Resolves when the person has agreed. @throws TrikdError 'unauthenticated' if they did not, or not in time */
  login(signal: AbortSignal): Promise<Login>;
}

/** What `trikd` asks for, of what the provider offers: who the person is, their teams, and a login that lasts. */
const SCOPES = ['openid', 'profile', 'email', 'groups', 'offline_access'];
/** Seconds for an answer of the provider. */
const ANSWER_SECONDS = 10;

/** Begins to log in with the device flow (RFC 8628), which needs no browser on this machine. */
export async function requestDeviceCode(provider: Provider): Promise<DeviceCode> {
  return await explained(provider, async () => {
    const config = await discovered(provider);
    const { scopes_supported: offered } = config.serverMetadata();
    const scope = SCOPES.filter((each) => each === 'openid' || !offered || offered.includes(each)).join(' ');
    const answer = await client.initiateDeviceAuthorization(config, { scope });
    return {
      url: answer.verification_uri,
      code: answer.user_code,
      ...(answer.verification_uri_complete !== undefined && { completeUrl: answer.verification_uri_complete }),
      login: (signal) =>
        explained(provider, async () => {
          const tokens = await client.pollDeviceAuthorizationGrant(config, answer, {}, { signal });
          return loginOf(provider, tokens);
        }),
    };
  });
}

/** A login with a new token. @throws TrikdError 'unauthenticated' when the login has ended */
export async function refreshed({ issuer, clientId, refresh }: Login): Promise<Login> {
  const provider = { issuer, clientId };
  if (refresh === undefined) throw new TrikdError('unauthenticated', `the login at ${issuer} has expired`);
  return await explained(provider, async () => {
    const tokens = await client.refreshTokenGrant(await discovered(provider), refresh);
    return { refresh, ...loginOf(provider, tokens) };
  });
}

/** Ends a login at the provider, if it offers that. */
export async function revoke({ issuer, clientId, refresh }: Login): Promise<void> {
  if (refresh === undefined) return;
  const provider = { issuer, clientId };
  await explained(provider, async () => {
    const config = await discovered(provider);
    if (config.serverMetadata().revocation_endpoint !== undefined) await client.tokenRevocation(config, refresh);
  });
}

async function discovered({ issuer, clientId }: Provider): Promise<client.Configuration> {
  const url = new URL(issuer);
  // The caller has checked that plain text does not leave this machine.
  const execute = url.protocol === 'http:' ? [client.allowInsecureRequests] : [];
  return await client.discovery(url, clientId, undefined, client.None(), { execute, timeout: ANSWER_SECONDS });
}

/** The ID token is sent to the server: unlike access tokens, those of every provider can be verified, and name the person. */
function loginOf({ issuer, clientId }: Provider, tokens: Awaited<ReturnType<typeof client.refreshTokenGrant>>): Login {
  const { id_token: token, refresh_token: refresh } = tokens;
  const claims = tokens.claims();
  if (token === undefined || !claims) throw new TrikdError('invalid', `${issuer} gave no ID token to ${clientId}`);
  return { issuer, clientId, token, expires: claims.exp, ...(refresh !== undefined && { refresh }) };
}

/** Codes of OAuth that end an attempt to log in. */
const REASONS: Readonly<Record<string, string>> = {
  access_denied: 'it was declined',
  expired_token: 'the code was not entered in time',
  invalid_grant: 'the login has expired',
  invalid_client: 'the client id is not known there',
  unauthorized_client: 'the client may not log in from devices',
};

/** Converts errors of the library: they may hold tokens, so that nothing but their codes is passed on. */
async function explained<T>({ issuer, clientId }: Provider, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TrikdError || (error instanceof Error && error.name === 'AbortError')) throw error;
    if (error instanceof client.ResponseBodyError) {
      const reason = REASONS[error.error] ?? `it answered with the error ${error.error}`;
      throw new TrikdError('unauthenticated', `cannot log in at ${issuer} as ${clientId}: ${reason}`);
    }
    const reason = error instanceof Error ? error.message : 'it did not answer';
    throw new TrikdError('unavailable', `the OpenID provider ${issuer} cannot be used: ${reason}`);
  }
}
