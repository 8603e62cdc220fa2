import { z } from 'zod';
import { VERBS } from './caller.js';

/** Issuers that one service accepts, at most. */
const MOST_ISSUERS = 8;

const Verbs = z.array(z.enum(VERBS));

const Issuer = z.strictObject({
  issuer: z
    .string()
    .refine(isProtected, 'expected https://, or http:// on this machine')
    .describe('URL of the OpenID provider, exactly as its tokens name it'),
  audience: z
    .preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(z.string().min(1)).min(1))
    .describe('audiences of which a token must have one: the client id of `trikd login`, and that of a proxy'),
  clientId: z.string().min(1).optional().describe('client id for `trikd login`; default: the first audience'),
  prefix: z
    .string()
    .regex(/^([a-z0-9-]+:)?$/, 'expected a word and a colon, such as ci:')
    .default('')
    .describe('put before subjects and teams; required, and different, when there are several issuers'),
  subjectClaim: z.string().min(1).default('sub').describe('claim that names the owner of a run, such as email'),
  teamsClaim: z.string().min(1).default('groups').describe('claim that lists the teams of a person'),
  teams: z.array(z.string().min(1)).optional().describe('groups that are teams; default: all'),
  verbs: Verbs.default(['view', 'steer', 'delete']).describe(
    'what everybody with a token may do with their own and their teams’ runs',
  ),
  verbsClaim: z.string().min(1).optional().describe('claim that lists further verbs'),
  teamVerbs: z.record(z.string(), Verbs).default({}).describe('further verbs by team'),
  admins: z.array(z.string().min(1)).default([]).describe('subjects that have all verbs, for all runs'),
  maxTokenAge: z.int().positive().max(31_536_000).default(86_400).describe('seconds since a token was issued'),
  ca: z.string().min(1).optional().describe('PEM file that signs the certificate of the issuer'),
});
/** An OpenID provider, and what its tokens allow. */
export type IssuerConfig = z.infer<typeof Issuer>;

/** How people are recognised: one OpenID provider, or several. */
export const OidcConfig = z
  .preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(Issuer).min(1).max(MOST_ISSUERS))
  .refine((issuers) => areDistinct(issuers.map(({ issuer }) => issuer)), 'each issuer can be listed once')
  .refine(
    (issuers) => issuers.length === 1 || areDistinct(['', ...issuers.map(({ prefix }) => prefix)]),
    'several issuers need different prefixes, so that no subject of one is a subject of another',
  );
export type OidcConfig = z.infer<typeof OidcConfig>;

/** Where people log in: `trikd login` reads it from the status of a call that was refused for the lack of a token. */
export interface LoginFacts {
  readonly issuer: string;
  readonly clientId: string;
}

/** Of several issuers the first one is that of people. */
export function loginFacts([first]: OidcConfig): LoginFacts | undefined {
  const clientId = first?.clientId ?? first?.audience[0];
  return first && clientId !== undefined ? { issuer: first.issuer, clientId } : undefined;
}

/** Whether what is read from a URL cannot be replaced on the way: https, or an address of this machine. */
export function isProtected(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname));
}

function areDistinct(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}
