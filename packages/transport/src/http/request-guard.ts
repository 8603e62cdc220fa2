import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Metadata } from '@grpc/grpc-js';
import type { Clock } from '@trikd/core/async/clock';
import { TrikdError } from '@trikd/core/domain/errors';
import { subjectOf } from '../access/audit-log.js';
import type { Caller } from '../access/caller.js';
import { bearerTokenIn, type TokenVerifier } from '../access/identify.js';
import { type Admission, createCallGuard, type NewCall } from '../limits/call-guard.js';
import { clientAddress } from '../limits/connection-guard.js';
import { httpFailure, Rejection } from './http-failure.js';
import type { HttpLimits } from './http-limits.js';

/** Counts requests by caller, and event streams over all callers. */
export interface RequestGuard {
  /** @returns what ends the request. @throws Rejection with 429 that names the limit */
  begin(call: NewCall): () => void;
}

/**
 * @param refused is called with the name of the limit for each refused request
 * @param section of the configuration, for messages
 */
export function createRequestGuard(
  limits: HttpLimits,
  clock: Pick<Clock, 'now'>,
  refused?: (limit: string) => void,
  section = 'http.limits',
): RequestGuard {
  const calls = createCallGuard(limits, clock, section);
  let streams = 0;

  const begin = (call: NewCall): Admission => {
    if (call.streams && streams >= limits.streams) {
      const limit = `${section}.streams`;
      return { kind: 'refused', limit, reason: `${limit} allows ${limits.streams} open event streams` };
    }
    const admission = calls.begin(call);
    if (admission.kind === 'refused' || !call.streams) return admission;
    streams += 1;
    const end = () => {
      streams -= 1;
      admission.end();
    };
    return { kind: 'admitted', end };
  };
  return {
    begin(call) {
      const admission = begin(call);
      if (admission.kind === 'admitted') return admission.end;
      const { limit, reason, retryAfterMs } = admission;
      refused?.(limit);
      const failure = httpFailure(429, 'RESOURCE_EXHAUSTED', reason);
      throw new Rejection({ ...failure, ...(retryAfterMs !== undefined && { retryAfterMs }) });
    },
  };
}

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

/** The headers of a request that tell its origin. */
export interface RequestOrigin {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site. */
  readonly site: string | undefined;
  readonly contentType: string | undefined;
}

/**
 * Why a request must be rejected; undefined if it is allowed. Prevents other sites from steering runs (cross-site requests)
 * and from reading them (DNS rebinding): only IP addresses, localhost and configured names are accepted as hosts.
 * @param setting that has the names, for messages
 */
export function reasonToReject(
  request: RequestOrigin,
  names: readonly string[],
  setting = 'http.hosts',
): string | undefined {
  const name = hostName(request.host);
  if (name === undefined || !isOurs(name, names)) {
    return `host ${name ?? 'of the request'} is not allowed: add it to ${setting}`;
  }
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  if (request.origin !== undefined && hostOf(request.origin) !== request.host)
    return `requests from ${request.origin} are not allowed`;
  if (request.site !== undefined && request.site !== 'same-origin' && request.site !== 'none') {
    return 'cross-site requests are not allowed';
  }
  const type = request.contentType?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/json' ? undefined : 'the content type must be application/json';
}

function isOurs(name: string, names: readonly string[]): boolean {
  return name === 'localhost' || isIP(name) !== 0 || names.includes(name);
}

/** Without the port, and without the brackets of an IPv6 address. */
function hostName(host: string | undefined): string | undefined {
  if (host === undefined || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
