import type { Metadata } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { ANONYMOUS, type Caller, callerOfCertificate } from './caller.js';

/**
 * Determines who makes a call.
 * @param certificate of the client in DER, if it has one that was verified
 * @returns undefined for a client that shows nothing
 * @throws TrikdError 'unauthenticated' for a client that shows something invalid
 */
export type Identify = (
  certificate: Buffer | undefined,
  metadata: Metadata,
) => Caller | undefined | Promise<Caller | undefined>;

/** Determines who sends a bearer token. */
export interface TokenVerifier {
  /** @throws TrikdError 'unauthenticated' with the reason, 'unavailable' if the issuer's keys cannot be read */
  verify(token: string): Promise<Caller>;
}

export interface IdentifyOptions {
  /** Of the certificates of clients. Absent: the server has no TLS. */
  readonly trustDomain?: string;
  /** Absent: tokens are ignored. */
  readonly tokens?: TokenVerifier;
}

/**
 * Determines callers by their token, else by their certificate. A service that forwards a person's token acts for that person.
 * Where neither is configured, every caller is anonymous.
 */
export function identifyBy({ trustDomain, tokens }: IdentifyOptions): Identify {
  if (trustDomain === undefined && tokens === undefined) return () => ANONYMOUS;
  return (certificate, metadata) => {
    const token = tokens && bearerTokenIn(metadata.get('authorization').map(String));
    if (tokens && token !== undefined) return tokens.verify(token);
    if (certificate === undefined || trustDomain === undefined) return undefined;
    return callerOfCertificate(certificate, trustDomain);
  };
}

/** The token in the values of the header `authorization`; undefined without one. @throws TrikdError 'unauthenticated' for anything else */
export function bearerTokenIn(headers: readonly string[]): string | undefined {
  const [header, ...others] = headers;
  if (header === undefined) return undefined;
  const [, token] = /^Bearer +(\S+)$/i.exec(header) ?? [];
  if (token !== undefined && others.length === 0) return token;
  throw new TrikdError('unauthenticated', 'authorization must be one bearer token');
}
