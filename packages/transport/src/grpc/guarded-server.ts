import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as Listener, type ListenOptions, type Socket } from 'node:net';
import { type ChannelOptions, Server, type ServerCredentials } from '@grpc/grpc-js';
import { listenError } from '@trikd/process/address';
import { systemClock } from '@trikd/process/system-clock';
import { createCallGuard } from '../limits/call-guard.js';
import { createConnectionGuard } from '../limits/connection-guard.js';
import { limitLog } from '../limits/limit-log.js';
import type { ServerLimits } from '../limits/server-limits.js';
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

/** Ports that are bound. */
export interface Listening {
  /** host:port with the bound port, or unix:path. */
  readonly address: string;
  /** Accepts no further connection. Resolves when those that are open have ended by themselves. */
  close(): Promise<void>;
}

/**
 * Accepts connections. grpc-js's own listener cannot be asked to refuse any.
 * @param listen host:port, port 0 for any free port, or unix:path
 * @throws TrikdError 'unavailable' if it cannot listen
 */
async function listenOn(listen: string, accept: (socket: Socket) => void): Promise<Listening> {
  const listeners: Listener[] = [];
  const bind = async (options: ListenOptions) => {
    const listener = createServer({ noDelay: true }, accept).listen(options);
    await once(listener, 'listening');
    listeners.push(listener);
    return listener;
  };
  const close = async () => {
    await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
  };
  try {
    const path = /^unix(-abstract)?:(?:\/\/)?(.+)$/.exec(listen);
    if (path) {
      await bind({ path: `${path[1] ? '\0' : ''}${path[2]}` });
      return { address: listen, close };
    }
    const [, host = '', port] = /^(?:(?:dns|ipv4|ipv6):\/*)?(.+):(\d+)$/.exec(listen) ?? [];
    const hosts = await lookup(host.replace(/^\[|\]$/g, ''), { all: true });
    const bound = await bindAll(
      hosts.map(({ address }) => address),
      Number(port),
      bind,
    );
    return { address: `${host}:${bound}`, close };
  } catch (error) {
    await close();
    throw listenError(listen, error);
  }
}

/** A name such as localhost can have several addresses. All get the same port; it is enough that one can be bound. */
async function bindAll(
  hosts: readonly string[],
  wanted: number,
  bind: (options: ListenOptions) => Promise<Listener>,
): Promise<number> {
  let port = wanted;
  let failure: unknown;
  let bound = 0;
  for (const host of hosts) {
    try {
      const listener = await bind({ host, port });
      ({ port } = listener.address() as AddressInfo);
      bound += 1;
    } catch (error) {
      failure ??= error;
    }
  }
  if (bound === 0) throw failure;
  return port;
}
