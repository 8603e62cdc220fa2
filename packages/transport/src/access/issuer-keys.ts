import { get as getPlain } from 'node:http';
import { get as getOverTls } from 'node:https';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { readText } from '@trikd/process/read-text';
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
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

/** Kubernetes serves its keys as the second one only. */
const ACCEPT = 'application/json, application/jwk-set+json';
/** Bytes of a discovery document or a set of keys. */
const LARGEST_DOCUMENT = 256 * 1024;

/**
 * Gets a JSON document of an issuer. Redirects are not followed: they could lead anywhere. Unlike the built-in `fetch` it accepts the
 * certificates of a private authority, and limits the size.
 * @param ca PEM; default: the authorities that Node.js trusts
 */
function fetchDocument(url: string, signal: AbortSignal, ca?: string): Promise<Response> {
  const get = url.startsWith('https:') ? getOverTls : getPlain;
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, headers: { accept: ACCEPT }, agent: false, ...(ca && { ca }) });
    request.once('error', reject);
    request.once('response', (response) => {
      const fail = (reason: string) => request.destroy(new Error(reason));
      if (response.statusCode !== 200) fail(`it answered with status ${response.statusCode}`);
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > LARGEST_DOCUMENT) fail(`its document is larger than ${LARGEST_DOCUMENT} bytes`);
        else parts.push(part);
      });
      response.once('error', reject);
      response.once('end', () => resolve(new Response(Buffer.concat(parts))));
    });
  });
}
