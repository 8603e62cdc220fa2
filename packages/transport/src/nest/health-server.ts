import { Server, ServerCredentials } from '@grpc/grpc-js';
import { systemClock } from '@trikd/process/system-clock';
import type { HealthImplementation } from 'grpc-health-check';
import { listenOn } from '../grpc/listen.js';
import { type InterceptorOptions, serverInterceptors } from '../grpc/server-interceptors.js';
import { createCallGuard } from '../limits/call-guard.js';
import { createConnectionGuard } from '../limits/connection-guard.js';
import { limitLog } from '../limits/limit-log.js';
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
  const guards = {
    connections: createConnectionGuard(LIMITS, { clock: systemClock, closed: limitLog(log, systemClock) }),
    calls: createCallGuard(LIMITS, systemClock),
  };
  const server = new Server({
    'grpc.max_receive_message_length': LIMITS.requestBytes,
    'grpc.max_concurrent_streams': LIMITS.callsPerConnection,
    'grpc.max_connection_idle_ms': 1000 * LIMITS.idleSeconds,
    interceptors: serverInterceptors({ log, guards }),
  });
  health.addToServer(server);
  const entrance = server.createConnectionInjector(ServerCredentials.createInsecure());
  const { address, close } = await listenOn(listen, (socket) => {
    if (guards.connections.admit(socket)) entrance.injectConnection(socket);
  });
  return {
    address,
    close: async () => {
      server.forceShutdown();
      await close();
    },
  };
}
