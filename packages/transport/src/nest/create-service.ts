import { Server, type ServiceDefinition } from '@grpc/grpc-js';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ServerGrpc } from '@nestjs/microservices';
import { listenError } from '@trikd/process/address';
import { HealthImplementation } from 'grpc-health-check';
import { serverCredentials } from '../grpc/credentials.js';
import { type InterceptorOptions, serverInterceptors } from '../grpc/server-interceptors.js';
import { nestLogger } from './nest-logger.js';
import { addReflection } from './reflection.js';
import { StatusFilter } from './status-filter.js';

export interface ServiceOptions extends InterceptorOptions {
  /** The wiring: controllers and what they need. */
  readonly module: DynamicModule;
  /** Generated definitions by full name, such as 'trikd.v1.TrainerService'. */
  readonly services: Readonly<Record<string, ServiceDefinition>>;
  /** host:port, port 0 for any that is free, or unix:path. */
  readonly listen: string;
  /** Largest message that is accepted, in bytes. Default 1 MiB: everything large is sent, never received. */
  readonly maxRequestBytes?: number;
  /** Calls that one connection may have open. Default 64. */
  readonly maxStreams?: number;
  /** Longest time that open calls get to end when the service closes, in seconds. Default 5. */
  readonly drainSeconds?: number;
}

/** A service that listens. */
export interface Service {
  /** Where it listens, with the port that was bound. */
  readonly address: string;
  /** Says NOT_SERVING, refuses new calls, gives those in hand `drainSeconds`, then ends. Safe to call twice. */
  close(): Promise<void>;
}

const KEEPALIVE_MS = 20_000;
const MAX_STREAMS = 64;

/**
 * Starts a Nest gRPC microservice with health and reflection. Listens only when everything in it is built.
 * @throws TrikdError 'unavailable' when it cannot listen
 */
export async function createService(options: ServiceOptions): Promise<Service> {
  const {
    module,
    services,
    listen,
    log,
    maxRequestBytes = 1024 * 1024,
    maxStreams = MAX_STREAMS,
    drainSeconds = 5,
  } = options;
  const names = Object.keys(services);
  const health = new HealthImplementation(Object.fromEntries(['', ...names].map((name) => [name, 'SERVING'])));
  const server = new Server({
    'grpc.max_receive_message_length': maxRequestBytes,
    'grpc.max_concurrent_streams': maxStreams,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
    interceptors: serverInterceptors(options),
  });
  // Nest maps controllers to methods. The server is ours: Nest would bind before the methods are there, and keep the port to itself.
  const strategy = new ServerGrpc({ package: packagesOf(names), packageDefinition: services });
  strategy.createClient = async () => server;
  const app = await NestFactory.createMicroservice(module, { strategy, logger: nestLogger(log), abortOnError: false });
  app.useGlobalFilters(new StatusFilter(log));
  await app.listen();
  health.addToServer(server);
  addReflection(server, names);
  const address = await bind(server, listen);

  let closing: Promise<void> | undefined;
  const close = async () => {
    for (const name of ['', ...names]) health.setStatus(name, 'NOT_SERVING');
    await drain(server, drainSeconds);
    await app.close();
  };
  return {
    address,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** 'trikd.v1.TrainerService' is in package 'trikd.v1'. */
function packagesOf(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.slice(0, name.lastIndexOf('.'))))];
}

async function bind(server: Server, listen: string): Promise<string> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(listen, serverCredentials(), (error, bound) =>
      error ? reject(listenError(listen, error)) : resolve(bound),
    );
  });
  return listen.startsWith('unix:') ? listen : `${listen.slice(0, listen.lastIndexOf(':'))}:${port}`;
}

/** `tryShutdown` waits for open streams for ever. */
async function drain(server: Server, seconds: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1000);
  const ended = new Promise<void>((done) => server.tryShutdown(() => done()));
  await Promise.race([ended, late]);
  clearTimeout(timer);
  server.forceShutdown();
}
