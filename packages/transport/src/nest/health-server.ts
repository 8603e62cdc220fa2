import { ServerCredentials } from '@grpc/grpc-js';
import type { HealthImplementation } from 'grpc-health-check';
import { createGuardedServer } from '../grpc/guarded-server.js';
import type { InterceptorOptions } from '../grpc/server-interceptors.js';
import { DEFAULT_LIMITS, type ServerLimits } from '../limits/server-limits.js';

/** A probe names a service, and comes from one of a few addresses. */
const LIMITS: ServerLimits = {
  ...DEFAULT_LIMITS,
  connections: 64,
  connectionsPerAddress: 32,
  callsPerConnection: 8,
  streamsPerCaller: 8,
  requestBytes: 1024,
};

const PLAIN = ServerCredentials.createInsecure();

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
  const { server, listenOn } = createGuardedServer({ log, limits: LIMITS, credentials: PLAIN });
  health.addToServer(server);
  const { address, close } = await listenOn(listen);
  return {
    address,
    close: async () => {
      server.forceShutdown();
      await close();
    },
  };
}
