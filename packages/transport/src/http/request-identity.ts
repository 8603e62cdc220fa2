import type { IncomingMessage } from 'node:http';
import { Metadata } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { subjectOf } from '../access/audit-log.js';
import { bearerTokenIn } from '../access/bearer-token.js';
import type { Caller } from '../access/caller.js';
import type { TokenVerifier } from '../access/identify.js';
import { clientAddress } from '../limits/client-address.js';

/** Who sends a request. */
export interface RequestIdentity {
  /** For limits: a subject, or an address. */
  readonly name: string;
  /** Of the token; absent without a verifier. */
  readonly caller?: Caller;
  /** For the calls of RunService that answer the request. */
  readonly metadata: Metadata;
}

/**
 * Determines who sends a request. With a verifier there must be a token, which RunService gets too: without it, the call would be made in the
 * name of this process.
 * @throws TrikdError 'unauthenticated' if it has no valid token, 'unavailable' if that cannot be found out
 */
export async function identityOf(
  { headersDistinct, socket }: IncomingMessage,
  tokens: TokenVerifier | undefined,
): Promise<RequestIdentity> {
  const metadata = new Metadata();
  if (!tokens) return { name: clientAddress(socket.remoteAddress ?? ''), metadata };
  const token = bearerTokenIn(headersDistinct['authorization'] ?? []);
  if (token === undefined)
    throw new TrikdError('unauthenticated', 'the request has no token: use the proxy that logs people in');
  const caller = await tokens.verify(token);
  metadata.set('authorization', `Bearer ${token}`);
  return { name: subjectOf(caller), caller, metadata };
}
