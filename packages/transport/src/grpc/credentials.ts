import { isIP } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { createSecureContext } from 'node:tls';
import {
  type CallCredentials,
  ChannelCredentials,
  type ChannelOptions,
  experimental,
  ServerCredentials,
} from '@grpc/grpc-js';
import type { Role } from '../access/caller.js';
import { callerOfCertificate } from '../access/caller.js';
import type { Certificates, TlsMaterial } from '../access/certificates.js';

// grpc-js's own credentials that reload certificates accept TLS 1.2, and offer no way to demand 1.3: hence these classes.
const OLDEST = 'TLSv1.3';
/** AES with 128 bits first: it needs 10 rounds a block instead of 14, and what is sent is mostly logits. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
/** Milliseconds in which a client must complete its handshake. */
const HANDSHAKE_MS = 10_000;

/**
 * Shows the newest certificate to each new client, and asks for its own. A client without a valid one may connect, and each of its
 * calls is then refused with a status that says what is required, instead of a connection that breaks for no stated reason.
 */
export class TlsServerCredentials extends ServerCredentials {
  constructor(certificates: Certificates) {
    const constructorOptions = { requestCert: true, rejectUnauthorized: false, handshakeTimeout: HANDSHAKE_MS };
    super(constructorOptions, contextOf(certificates.current()));
    certificates.onChange((material) => this.updateSecureContextOptions(contextOf(material)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

type Connector = experimental.SecureConnector;

/** Connects to a service of one role, each time with the newest certificate. Another server is refused before a call is sent. */
export class TlsChannelCredentials extends ChannelCredentials {
  private latest: ChannelCredentials;

  constructor(
    certificates: Certificates,
    private readonly role: Role,
    trustDomain: string,
  ) {
    super();
    const verify = {
      checkServerIdentity: (host: string, { raw }: { raw: Buffer }) => refusalOf(raw, host, role, trustDomain),
    };
    const credentialsOf = (material: TlsMaterial) =>
      ChannelCredentials.createFromSecureContext(createSecureContext(contextOf(material)), verify);
    this.latest = credentialsOf(certificates.current());
    certificates.onChange((material) => {
      this.latest = credentialsOf(material);
    });
  }

  override compose(): ChannelCredentials {
    throw new Error('tokens are sent as metadata');
  }

  override _isSecure(): boolean {
    return true;
  }

  /** Clients of one address share a connection if they have the same credentials. */
  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    target: experimental.GrpcUri,
    options: ChannelOptions,
    callCredentials?: CallCredentials,
  ): Connector {
    const named = { ...this.nameFor(target), ...options };
    const connector = () => this.latest._createSecureConnector(target, named, callCredentials);
    const first = connector();
    return {
      connect: (socket) => connector().connect(socket),
      waitForReady: () => first.waitForReady(),
      getCallCredentials: () => first.getCallCredentials(),
      destroy: () => first.destroy(),
    };
  }

  /** TLS has no name for an IP address or a socket. The certificate is checked for the role in any case. */
  private nameFor({ path }: experimental.GrpcUri): ChannelOptions {
    const host = experimental.splitHostPort(path)?.host;
    if (host !== undefined && isIP(host) === 0) return {};
    return { 'grpc.ssl_target_name_override': this.role };
  }
}

function contextOf({ ca, cert, key }: TlsMaterial): SecureContextOptions {
  return { ca, minVersion: OLDEST, ciphers: CIPHERS, ...(cert && { cert }), ...(key && { key }) };
}

/** This replaces the check of the host name: pods come and go with their addresses, roles stay. */
function refusalOf(raw: Buffer, host: string, role: Role, trustDomain: string): Error | undefined {
  try {
    const caller = callerOfCertificate(raw, trustDomain);
    if (caller.kind === 'service' && caller.role === role) return undefined;
    return new Error(`the server at ${host} is not the ${role}: its certificate names another role`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
