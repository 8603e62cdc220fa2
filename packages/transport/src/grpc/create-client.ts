import type { ChannelCredentials, ChannelOptions, Client } from '@grpc/grpc-js';
import { channelCredentials } from './credentials.js';

/** A generated client, or grpc-js's own. */
export type ClientConstructor<C extends Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options: ChannelOptions,
) => C;

/**
 * Makes a client. Every call of the project goes through one that was made here, so interceptors of clients are added here.
 * The caller closes it.
 * @param address host:port or unix:path
 */
export function createClient<C extends Client>(
  client: ClientConstructor<C>,
  address: string,
  options: ChannelOptions,
): C {
  return new client(address, channelCredentials(), options);
}
