import type { Server, ServiceDefinition } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { Catch, type DynamicModule, type LoggerService, type RpcExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ServerGrpc } from '@nestjs/microservices';
import { within } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { DESCRIPTORS } from '@trikd/protocol/descriptors';
import { toStatus } from '@trikd/protocol/status';
import { Observable } from 'rxjs';
import { identifyBy, type TokenVerifier } from '../access/identify.js';
import { LOOPBACK_ONLY, type Security } from '../access/security.js';
import { createGuardedServer, type Listening } from '../grpc/guarded-server.js';
import type { InterceptorOptions } from '../grpc/server-interceptors.js';
import { DEFAULT_LIMITS, type ServerLimits } from '../limits/server-limits.js';
import { serveHealth, serviceHealth } from './health.js';

export interface ServiceOptions extends Omit<InterceptorOptions, 'guards' | 'identify'> {
  /** Controllers and their dependencies. */
  readonly module: DynamicModule;
  /** Generated definitions by full name, such as 'trikd.v1.TrainerService'. */
  readonly services: Readonly<Record<string, ServiceDefinition>>;
  /** host:port, port 0 for any free port, or unix:path. */
  readonly listen: string;
  readonly limits?: ServerLimits;
  /** Of the configuration that has the limits, for messages. Default `limits`. */
  readonly section?: string;
  /** Until it settles the service answers, and reports that it is not ready. Default: it is ready as soon as it listens. */
  readonly ready?: Promise<unknown>;
  /** Default: plain text within this machine. */
  readonly security?: Security;
  /** Verifies the tokens of callers. Default: none are accepted. */
  readonly tokens?: TokenVerifier;
  /** An address at which health checks are answered in plain text. Default: none. */
  readonly health?: { readonly listen?: string | undefined };
  /** Seconds for open calls to end when the service closes. Default 5. */
  readonly drainSeconds?: number;
}

/** A service that is listening. */
export interface Service {
  /** host:port with the bound port, or unix:path. */
  readonly address: string;
  /** Of the server that answers health checks alone. */
  readonly healthAddress?: string;
  /** Reports that it is not ready for more, and answers calls as before. */
  retire(): void;
  /** Reports NOT_SERVING, rejects new calls, waits up to `drainSeconds` for open ones, then ends them. Idempotent. */
  close(): Promise<void>;
}

const KEEPALIVE_MS = 20_000;

/**
 * Starts a Nest gRPC microservice with health and reflection. It listens once all of its providers exist.
 * @throws TrikdError 'unavailable' if it cannot listen, 'invalid' if it may not listen there in plain text
 */
export async function createService(options: ServiceOptions): Promise<Service> {
  const { module, services, listen, log, limits = DEFAULT_LIMITS, drainSeconds = 5 } = options;
  const { security = LOOPBACK_ONLY, tokens } = options;
  const { credentials, options: connections } = security.server(listen);
  const { trustDomain } = security;
  const identify = identifyBy({ ...(trustDomain !== undefined && { trustDomain }), ...(tokens && { tokens }) });
  const names = Object.keys(services);
  const health = serviceHealth(names, options.ready);
  const keepalive = { 'grpc.keepalive_time_ms': KEEPALIVE_MS, 'grpc.keepalive_timeout_ms': KEEPALIVE_MS };
  const channel = { ...keepalive, ...connections };
  const { server, listenOn } = createGuardedServer({ ...options, limits, credentials, channel, identify });
  // Nest maps controllers to methods of our server. Its own would bind before it has methods, and hides the bound port.
  const strategy = new ServerGrpc({ package: packagesOf(names), packageDefinition: services });
  strategy.createClient = async () => server;
  const app = await NestFactory.createMicroservice(module, { strategy, logger: nestLogger(log), abortOnError: false });
  app.useGlobalFilters(new StatusFilter(log));
  await app.listen();
  health.implementation.addToServer(server);
  addReflection(server, names);
  const listening = await listenOn(listen);
  const { listen: probed } = options.health ?? {};
  const probes = probed === undefined ? undefined : await serveHealth(health.implementation, probed, options);

  let closing: Promise<void> | undefined;
  const close = async () => {
    health.close();
    await drain(server, listening, drainSeconds);
    await app.close();
    await probes?.close();
  };
  return {
    address: listening.address,
    ...(probes && { healthAddress: probes.address }),
    retire: health.retire,
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

/** `tryShutdown` alone waits for open streams without a limit, and not for connections that we have accepted. */
async function drain(server: Server, listening: Listening, seconds: number): Promise<void> {
  const ended = new Promise<void>((done) => server.tryShutdown(() => done()));
  await within(Promise.all([ended, listening.close()]), seconds, systemClock);
  server.forceShutdown();
}

/** Writes Nest's messages to our log; those about routes and modules at debug. */
function nestLogger(log: Logger): LoggerService {
  return {
    log: (message: unknown, context: unknown) => log.debug({ context }, String(message)),
    debug: (message: unknown, context: unknown) => log.debug({ context }, String(message)),
    verbose: (message: unknown, context: unknown) => log.trace({ context }, String(message)),
    warn: (message: unknown, context: unknown) => log.warn({ context }, String(message)),
    error: (message: unknown, ...context: unknown[]) => log.error({ context }, String(message)),
    fatal: (message: unknown, ...context: unknown[]) => log.fatal({ context }, String(message)),
  };
}

/** Serves `grpc.reflection.v1` and `v1alpha`, so that tools such as grpcurl can discover the protocol. */
function addReflection(server: Server, services: readonly string[]): void {
  // The reflection service reads the descriptors of any one definition of the package, and nothing else.
  const bearer = {
    format: 'Protocol Buffer 3 EnumDescriptorProto' as const,
    type: {},
    fileDescriptorProtos: [...DESCRIPTORS],
  };
  new ReflectionService({ 'trikd.v1': bearer }, { services: [...services] }).addToServer(server);
}

/** Converts the errors of controllers to statuses. An error that is not a TrikdError is a bug, and is logged here. */
@Catch()
class StatusFilter implements RpcExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown): Observable<never> {
    if (!(error instanceof TrikdError)) this.log.error({ err: error }, 'call failed');
    return new Observable((subscriber) => subscriber.error(toStatus(error)));
  }
}
