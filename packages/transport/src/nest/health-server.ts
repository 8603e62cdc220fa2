import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { HealthImplementation } from 'grpc-health-check';
import { listenOn } from '../grpc/listen.js';
import { type InterceptorOptions, serverInterceptors } from '../grpc/server-interceptors.js';

/** A probe names a service. */
const MAX_REQUEST_BYTES = 1024;
const MAX_STREAMS = 8;

/** A server that is listening. */
export interface HealthServer {
  /** host:port with the bound port. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Answers health checks in plain text, and nothing else, on an address of its own: the gRPC probe of Kubernetes speaks no TLS and
 * has no certificate.
 * @throws TrikdError 'unavailable' if it cannot listen
 */
export async function serveHealth(
  health: HealthImplementation,
  listen: string,
  { log }: Pick<InterceptorOptions, 'log'>,
): Promise<HealthServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    interceptors: serverInterceptors({ log }),
  });
  health.addToServer(server);
  const entrance = server.createConnectionInjector(ServerCredentials.createInsecure());
  const { address, close } = await listenOn(listen, (socket) => entrance.injectConnection(socket));
  return {
    address,
    close: async () => {
      server.forceShutdown();
      await close();
    },
  };
}
