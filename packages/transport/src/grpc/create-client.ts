import type { ChannelCredentials, ChannelOptions, Client } from '@grpc/grpc-js';
import type { Role } from '../access/caller.js';
import { LOOPBACK_ONLY, type Security } from '../access/security.js';

/** A generated client, or grpc-js's own. */
export type ClientConstructor<C extends Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options: ChannelOptions,
) => C;

/** The service that a client expects at an address, and how it connects to it. */
export interface Peer {
  readonly role: Role;
  readonly security: Security;
}

/**
 * Makes a client. Every call of the project goes through one that was made here, so interceptors of clients are added here.
 * The caller closes it.
 * @param address host:port or unix:path
 * @param peer default: any service, in plain text, within this machine
 * @throws TrikdError 'invalid' if the address may not be called in plain text
 */
export function createClient<C extends Client>(
  client: ClientConstructor<C>,
  address: string,
  options: ChannelOptions,
  peer?: Peer,
): C {
  const credentials = peer ? peer.security.client(address, peer.role) : LOOPBACK_ONLY.client(address);
  return new client(address, credentials, options);
}
