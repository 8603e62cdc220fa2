import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import { readText } from '@trikd/process/read-text';
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { fetchDocument } from './fetch-document.js';
import { type IssuerConfig, isProtected } from './oidc-config.js';

/** Seconds for an answer of the issuer. */
const ANSWER_SECONDS = 5;
/** Seconds between two reads of the keys for tokens that name an unknown one. */
const COOLDOWN_SECONDS = 30;
/** Seconds that keys are used without reading them again: a key that the issuer withdraws is refused after that. */
const KEYS_SECONDS = 3600;
/** Seconds after a failure before the issuer is asked again. */
const RETRY_SECONDS = 5;

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.string() });

/**
 * The public keys of an issuer, read when the first token needs them. Only addresses from the configuration and from the issuer's own
 * discovery document are requested, never one from a token.
 */
export function issuerKeys({ issuer, ca }: Pick<IssuerConfig, 'issuer' | 'ca'>): JWTVerifyGetKey {
  const roots = ca === undefined ? undefined : readText(ca);
  const fetchIt = (url: string, { signal }: { readonly signal: AbortSignal }) =>
    fetchDocument(url, signal, roots).catch((cause: unknown) => {
      throw new NoKeys(messageOf(cause));
    });
  let discovered: Promise<JWTVerifyGetKey> | undefined;
  let failed = Number.NEGATIVE_INFINITY;

  const discover = async (): Promise<JWTVerifyGetKey> => {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const answer = await fetchIt(url, { signal: AbortSignal.timeout(1000 * ANSWER_SECONDS) });
    const document = Discovery.safeParse(await answer.json().catch(() => undefined)).data;
    if (!document) throw new NoKeys('its discovery document is not valid');
    if (document.issuer !== issuer) throw new NoKeys('its discovery document names another issuer');
    if (!isProtected(document.jwks_uri)) throw new NoKeys('its keys are not at an https:// address');
    return createRemoteJWKSet(new URL(document.jwks_uri), {
      timeoutDuration: 1000 * ANSWER_SECONDS,
      cooldownDuration: 1000 * COOLDOWN_SECONDS,
      cacheMaxAge: 1000 * KEYS_SECONDS,
      [customFetch]: fetchIt,
    });
  };

  return async (header, token) => {
    if (performance.now() - failed < 1000 * RETRY_SECONDS) throw unavailable(issuer);
    try {
      discovered ??= discover();
      const keys = await discovered;
      return await keys(header, token);
    } catch (error) {
      if (!isAboutKeys(error)) throw error;
      failed = performance.now();
      discovered = undefined;
      throw unavailable(issuer, error);
    }
  };
}

/** The keys cannot be had, which says nothing about a token. */
class NoKeys extends Error {}

function isAboutKeys(error: unknown): boolean {
  return error instanceof NoKeys || error instanceof errors.JWKSInvalid || error instanceof errors.JWKSTimeout;
}

function unavailable(issuer: string, cause?: unknown): TrikdError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  const message = `tokens cannot be checked now: no keys from ${issuer}${reason}`;
  return new TrikdError('unavailable', message, { issuer }, { cause });
}
