import { type ChannelOptions, Server, type ServerCredentials } from '@grpc/grpc-js';
import { systemClock } from '@trikd/process/system-clock';
import { createCallGuard } from '../limits/call-guard.js';
import { createConnectionGuard } from '../limits/connection-guard.js';
import { limitLog } from '../limits/limit-log.js';
import type { ServerLimits } from '../limits/server-limits.js';
import { type Listening, listenOn } from './listen.js';
import { type InterceptorOptions, serverInterceptors } from './server-interceptors.js';

/** A gRPC server whose connections and calls are limited. */
export interface GuardedServer {
  /** Gets the services, before it listens. */
  readonly server: Server;
  /** @throws TrikdError 'unavailable' if it cannot listen */
  listenOn(address: string): Promise<Listening>;
}

export interface GuardedServerOptions extends Omit<InterceptorOptions, 'guards'> {
  readonly limits: ServerLimits;
  /** Of the configuration that has the limits, for messages. Default `limits`. */
  readonly section?: string;
  readonly credentials: ServerCredentials;
  /** Of grpc-js, besides the limits. */
  readonly channel?: ChannelOptions;
}

export function createGuardedServer(options: GuardedServerOptions): GuardedServer {
  const { limits, section = 'limits', credentials, channel, log, onRefused } = options;
  const guards = {
    connections: createConnectionGuard(limits, {
      ...{ clock: systemClock, section },
      closed: limitLog(log, systemClock, onRefused),
    }),
    calls: createCallGuard(limits, systemClock, section),
  };
  const server = new Server({
    'grpc.max_receive_message_length': limits.requestBytes,
    'grpc.max_concurrent_streams': limits.callsPerConnection,
    'grpc.max_connection_idle_ms': 1000 * limits.idleSeconds,
    ...channel,
    interceptors: serverInterceptors({ ...options, guards }),
  });
  return {
    server,
    listenOn: (address) => {
      const entrance = server.createConnectionInjector(credentials);
      return listenOn(address, (socket) => {
        if (guards.connections.admit(socket)) entrance.injectConnection(socket);
      });
    },
  };
}
