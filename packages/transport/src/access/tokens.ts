import { createHash } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import { exitOn } from '@trikd/process/exit-on';
import type { Logger } from '@trikd/process/logging';
import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { refused, type User, userOf } from './claims.js';
import type { TokenVerifier } from './identify.js';
import { issuerKeys } from './issuer-keys.js';
import type { IssuerConfig, OidcConfig } from './oidc-config.js';
import { readToken } from './read-token.js';

/** Signatures with a public key. With a symmetric one (HS256) everybody who can verify a token could make one. */
const ALGORITHMS = ['RS256', 'ES256'];
/** Types of tokens that stand for a person. Others, such as logout tokens, are signed with the same keys. */
const TYPES = [undefined, 'JWT', 'AT+JWT'];
/** Seconds by which the clocks of the issuer and of this machine may differ. */
const CLOCK_SECONDS = 30;
/** Verified tokens that are remembered: a caller of many calls is verified once a minute. */
const MOST_REMEMBERED = 1024;
const REMEMBERED_SECONDS = 60;

interface Remembered {
  readonly user: User;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** Verifies tokens of the configured issuers. Nothing is requested from them before the first token. */
export function tokenVerifier(issuers: OidcConfig): TokenVerifier {
  const known = new Map(issuers.map((config) => [config.issuer, { config, keys: issuerKeys(config) }]));
  // By digest: no token stays in memory.
  const remembered = new Map<string, Remembered>();
  return {
    async verify(token) {
      const { claims, header } = readToken(token);
      const digest = createHash('sha256').update(token).digest('base64');
      const before = remembered.get(digest);
      if (before && before.until > Date.now()) return before.user;
      remembered.delete(digest);
      const issuer = typeof claims['iss'] === 'string' ? known.get(claims['iss']) : undefined;
      if (!issuer) throw refused('its issuer is not trusted here');
      if (!TYPES.includes(typeOf(header['typ']))) throw refused('it is of a type that identifies nobody');
      const { user, expires } = await verified(token, issuer.config, issuer.keys);
      remembered.set(digest, { user, until: Math.min(expires, Date.now() + 1000 * REMEMBERED_SECONDS) });
      if (remembered.size > MOST_REMEMBERED) remembered.delete(remembered.keys().next().value!);
      return user;
    },
  };
}

/** As {@link tokenVerifier}. Logs why it cannot be made, such as a file that is missing, and exits. */
export function verifierOrExit(issuers: OidcConfig, log: Pick<Logger, 'fatal'>): TokenVerifier {
  try {
    return tokenVerifier(issuers);
  } catch (error) {
    exitOn(error, log);
  }
}

async function verified(token: string, config: IssuerConfig, keys: JWTVerifyGetKey) {
  const options = {
    issuer: config.issuer,
    audience: config.audience,
    algorithms: ALGORITHMS,
    requiredClaims: ['exp', 'iat', 'sub'],
    maxTokenAge: config.maxTokenAge,
    clockTolerance: CLOCK_SECONDS,
  };
  try {
    const { payload } = await jwtVerify(token, keys, options);
    // JSON has numbers that are read as infinite.
    if (!Number.isFinite(payload.exp)) throw refused('its claim exp is not accepted here');
    return { user: userOf(payload, config), expires: 1000 * (payload.exp ?? 0) };
  } catch (error) {
    if (error instanceof TrikdError) throw error;
    // Without the cause: it holds the claims.
    throw refused(reasonOf(error));
  }
}

/** The media type of a token, without its optional prefix. */
function typeOf(typ: unknown): string | undefined {
  return typ === undefined ? undefined : `${typ}`.toUpperCase().replace(/^APPLICATION\//, '');
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired; log in again';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `its claim ${CLAIMS.has(error.claim) ? error.claim : 'set'} is not accepted here`;
  if (error instanceof errors.JOSEAlgNotAllowed) return `it is not signed with ${ALGORITHMS.join(' or ')}`;
  return 'its signature is not valid';
}

/** Claims that are checked. */
const CLAIMS: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'sub']);
