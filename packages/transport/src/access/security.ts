import { type ChannelCredentials, type ChannelOptions, credentials, ServerCredentials } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { isLoopback } from '@trikd/process/address';
import type { Logger } from '@trikd/process/logging';
import { exitOn } from '@trikd/process/shutdown';
import { TlsChannelCredentials, TlsServerCredentials } from '../grpc/credentials.js';
import type { Role } from './caller.js';
import { callerOfCertificate } from './caller.js';
import type { TlsFiles } from './certificates.js';
import { type Certificates, openCertificates } from './certificates.js';
import type { SecurityConfig, TlsConfig } from './tls-config.js';

/** How a process protects its connections. Every server and every client of the project takes its credentials here. */
export interface Security {
  /** Of certificates. Absent: plain text. */
  readonly trustDomain?: string;
  /** @throws TrikdError 'invalid' if plain text is not allowed there */
  server(listen: string): { readonly credentials: ServerCredentials; readonly options: ChannelOptions };
  /** @param role expected of the service at the address @throws TrikdError 'invalid' if plain text is not allowed there */
  client(address: string, role: Role): ChannelCredentials;
  close(): void;
}

/** Without certificates a client cannot check the role of a server. */
interface PlainText extends Security {
  client(address: string): ChannelCredentials;
}

export function plainText(where: SecurityConfig['plaintext'] = 'loopback'): PlainText {
  const assertAllowed = (address: string, verb: string) => {
    if (where === 'anywhere' || isLoopback(address)) return;
    throw new TrikdError('invalid', `cannot ${verb} ${address} in plain text: ${ADVICE}`, { address });
  };
  return {
    server(listen) {
      assertAllowed(listen, 'listen on');
      return { credentials: ServerCredentials.createInsecure(), options: {} };
    },
    client(address) {
      assertAllowed(address, 'connect to');
      return credentials.createInsecure();
    },
    close: () => undefined,
  };
}

const ADVICE =
  'set tls (`trikd certs` makes certificates), or plaintext: anywhere where everybody who can connect may do everything';

/** Plain text within this machine: for clients that nobody has configured. */
export const LOOPBACK_ONLY: PlainText = plainText();

/**
 * The security of a service.
 * @throws TrikdError 'invalid' if its certificates are not usable, or not for its role
 */
export function openSecurity({ tls, plaintext }: SecurityConfig, role: Role, log: Logger): Security {
  if (tls === undefined) return plainText(plaintext);
  const certificates = openCertificates(tls, {
    log,
    check: ({ leaf }) => {
      const caller = leaf && callerOfCertificate(leaf.raw, tls.trustDomain);
      if (caller?.kind === 'service' && caller.role === role) return;
      throw new TrikdError('invalid', `${tls.cert} names ${leaf?.subjectAltName ?? 'nobody'}, not the ${role}`);
    },
  });
  return withCertificates(certificates, tls);
}

/**
 * As {@link openSecurity} for a service that listens, and connects to the addresses in its configuration. Logs why it may not,
 * and exits.
 */
export function securityOrExit(
  config: SecurityConfig & { readonly listen: string },
  role: Role,
  log: Logger,
  connects: readonly string[] = [],
): Security {
  try {
    const security = openSecurity(config, role, log);
    security.server(config.listen);
    // Without TLS no role is checked.
    if (config.tls === undefined) for (const address of connects) security.client(address, role);
    return security;
  } catch (error) {
    exitOn(error, log);
  }
}

const NO_LOG = { info: () => undefined, warn: () => undefined };

/** The security of a program that only connects, and has no log. @throws TrikdError 'invalid' if its certificates are not usable */
export function clientSecurity(files: TlsFiles, trustDomain: string): Security {
  return withCertificates(openCertificates(files, { log: NO_LOG }), {
    trustDomain,
    connectionAge: Number.POSITIVE_INFINITY,
  });
}

function withCertificates(
  certificates: Certificates,
  { trustDomain, connectionAge }: Pick<TlsConfig, 'trustDomain' | 'connectionAge'>,
): Security {
  const channels = new Map<Role, ChannelCredentials>();
  // A certificate is checked when a connection is made: one that never ended would outlive it.
  const age = 1000 * connectionAge;
  const options = { 'grpc.max_connection_age_ms': age, 'grpc.max_connection_age_grace_ms': age };
  return {
    trustDomain,
    server: () => ({ credentials: new TlsServerCredentials(certificates), options }),
    client(_, role) {
      const known = channels.get(role);
      if (known) return known;
      const made = new TlsChannelCredentials(certificates, role, trustDomain);
      channels.set(role, made);
      return made;
    },
    close: () => certificates.close(),
  };
}
