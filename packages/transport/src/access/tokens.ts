import { createHash } from 'node:crypto';
import { decodeStrictJson } from '@trikd/core/checkpoint/json';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { exitOn } from '@trikd/process/shutdown';
import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { type Caller, VERBS, type Verb } from './caller.js';
import type { TokenVerifier } from './identify.js';
import { issuerKeys } from './issuer-keys.js';
import type { IssuerConfig, OidcConfig } from './oidc-config.js';

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

/** A person, or a program that acts for one. */
type User = Extract<Caller, { readonly kind: 'user' }>;

type Claims = Readonly<Record<string, unknown>>;

/** Characters of a subject and of a team, with the prefix of the issuer: the record of a run has room for them. */
const LONGEST_NAME = 256;

/** Printable text: names reach logs, terminals and pages. */
const NAME = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;

/**
 * Who the claims of a verified token describe, and what they allow.
 * @throws TrikdError 'unauthenticated' if a claim is not usable
 */
export function userOf(claims: Claims, issuer: IssuerConfig): User {
  const { prefix, subjectClaim, teamsClaim, verbsClaim } = issuer;
  const subject = subjectOf(claims, subjectClaim, prefix);
  const groups = textsOf(claims, teamsClaim).filter((group) => !issuer.teams || issuer.teams.includes(group));
  const said = verbsClaim === undefined ? [] : textsOf(claims, verbsClaim).filter(isVerb);
  const ofTeams = groups.flatMap((group) => (Object.hasOwn(issuer.teamVerbs, group) ? issuer.teamVerbs[group]! : []));
  const isAdmin = [...said, ...ofTeams].includes('admin') || issuer.admins.includes(subject);
  const allowed = new Set<Verb>([...issuer.verbs, ...said, ...ofTeams]);
  return {
    kind: 'user',
    subject,
    teams: groups.map((group) => `${prefix}${group}`).filter(isName),
    verbs: VERBS.filter((verb) => isAdmin || allowed.has(verb)),
  };
}

function subjectOf(claims: Claims, name: string, prefix: string): string {
  const said = claims[name];
  const subject = `${prefix}${said}`;
  if (typeof said !== 'string' || said === '' || !isName(subject))
    throw refused(`its claim ${name} is not a printable text`);
  if (name === 'email' && claims['email_verified'] === false) throw refused('its e-mail address is not verified');
  return subject;
}

/** A claim that is a list of texts, or one text; absent: none. */
function textsOf(claims: Claims, name: string): readonly string[] {
  const value = claims[name];
  const texts = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
  if (texts.every((text) => typeof text === 'string' && isName(text))) return [...new Set<string>(texts)];
  throw refused(`its claim ${name} is not a list of printable texts`);
}

function isName(text: string): boolean {
  return text.length <= LONGEST_NAME && NAME.test(text);
}

function isVerb(text: string): text is Verb {
  return VERBS.some((verb) => verb === text);
}

/** @param reason never a part of the token */
function refused(reason: string): TrikdError {
  return new TrikdError('unauthenticated', `the token is refused: ${reason}`);
}

/** Characters of a token: more than that of any provider, and less than what a request's headers may have. */
export const LONGEST_TOKEN = 12_288;

/** A header, the claims and a signature. */
const TOKEN = /^([\w-]+)\.([\w-]+)\.[\w-]+$/;

/** A token whose signature is not checked yet. */
export interface ReadToken {
  readonly header: Claims;
  readonly claims: Claims;
}

/**
 * Reads a signed token in compact form without believing it. Both documents must be valid UTF-8 and name each key once: a reader that keeps
 * the first of two keys and one that keeps the last would see two different people.
 * @throws TrikdError 'unauthenticated' that contains nothing of the token
 */
function readToken(token: string): ReadToken {
  if (token.length > LONGEST_TOKEN) throw refused(`it is longer than ${LONGEST_TOKEN} characters`);
  const [, header = '', claims = ''] = TOKEN.exec(token) ?? [];
  return { header: objectIn(header), claims: objectIn(claims) };
}

function objectIn(part: string): Claims {
  try {
    const value = decodeStrictJson(Buffer.from(part, 'base64url'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The error would quote the token.
  }
  throw refused('it is not a signed JSON Web Token');
}
