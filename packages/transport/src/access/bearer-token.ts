import { TrikdError } from '@trikd/core/domain/errors';

/** The token in the values of the header `authorization`; undefined without one. @throws TrikdError 'unauthenticated' for anything else */
export function bearerTokenIn(headers: readonly string[]): string | undefined {
  const [header, ...others] = headers;
  if (header === undefined) return undefined;
  const [, token] = /^Bearer +(\S+)$/i.exec(header) ?? [];
  if (token !== undefined && others.length === 0) return token;
  throw new TrikdError('unauthenticated', 'authorization must be one bearer token');
}
