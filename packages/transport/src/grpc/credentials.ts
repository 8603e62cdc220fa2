import { type ChannelCredentials, credentials, ServerCredentials } from '@grpc/grpc-js';

// Every server and every client of the project takes its credentials here.

/** What a server proves of itself, and asks of its clients: nothing, over plain text. */
export function serverCredentials(): ServerCredentials {
  return ServerCredentials.createInsecure();
}

/** What a client proves of itself, and asks of its servers: nothing, over plain text. */
export function channelCredentials(): ChannelCredentials {
  return credentials.createInsecure();
}
