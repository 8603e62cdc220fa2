import { TrikdError } from '@trikd/core/domain/errors';
import { type Caller, VERBS, type Verb } from './caller.js';
import type { IssuerConfig } from './oidc-config.js';

/** A person, or a program that acts for one. */
export type User = Extract<Caller, { readonly kind: 'user' }>;

export type Claims = Readonly<Record<string, unknown>>;

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
export function refused(reason: string): TrikdError {
  return new TrikdError('unauthenticated', `the token is refused: ${reason}`);
}
