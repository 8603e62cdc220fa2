import { Server, type ServiceDefinition } from '@grpc/grpc-js';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ServerGrpc } from '@nestjs/microservices';
import { within } from '@trikd/core/async/within';
import { listenError } from '@trikd/process/address';
import { systemClock } from '@trikd/process/system-clock';
import { HealthImplementation } from 'grpc-health-check';
import { serverCredentials } from '../grpc/credentials.js';
import { type InterceptorOptions, serverInterceptors } from '../grpc/server-interceptors.js';
import { nestLogger } from './nest-logger.js';
import { addReflection } from './reflection.js';
import { StatusFilter } from './status-filter.js';

export interface ServiceOptions extends InterceptorOptions {
  /** Controllers and their dependencies. */
  readonly module: DynamicModule;
  /** Generated definitions by full name, such as 'trikd.v1.TrainerService'. */
  readonly services: Readonly<Record<string, ServiceDefinition>>;
  /** host:port, port 0 for any free port, or unix:path. */
  readonly listen: string;
  /** Largest request, in bytes. Default 1 MiB: only responses are large. */
  readonly maxRequestBytes?: number;
  /** Open calls per connection, at most. Default 64. */
  readonly maxStreams?: number;
  /** Seconds for open calls to end when the service closes. Default 5. */
  readonly drainSeconds?: number;
}

/** A service that is listening. */
export interface Service {
  /** host:port with the bound port, or unix:path. */
  readonly address: string;
  /** Reports NOT_SERVING, rejects new calls, waits up to `drainSeconds` for open ones, then ends them. Idempotent. */
  close(): Promise<void>;
}

const KEEPALIVE_MS = 20_000;
const MAX_STREAMS = 64;

/**
 * Starts a Nest gRPC microservice with health and reflection. It listens once all of its providers exist.
 * @throws TrikdError 'unavailable' if it cannot listen
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
  // Nest maps controllers to methods of our server. Its own would bind before it has methods, and hides the bound port.
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

/** `tryShutdown` alone waits for open streams without a limit. */
async function drain(server: Server, seconds: number): Promise<void> {
  const ended = new Promise<void>((done) => server.tryShutdown(() => done()));
  await within(ended, seconds, systemClock);
  server.forceShutdown();
}
