import { decodeStrictJson } from '@trikd/core/checkpoint/strict-json';
import { type Claims, refused } from './claims.js';

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
export function readToken(token: string): ReadToken {
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
