import { ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
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

/** What a supervisor asks of the process itself, by the names of the probes of Kubernetes. */
const PROBES = ['startup', 'readiness', 'liveness'] as const;

/** What `grpc.health.v1` says of a process. */
export interface ServiceHealth {
  /** Answers for the process (an empty name), for each of its services, and for each probe; other names are not known. */
  readonly implementation: HealthImplementation;
  /** The process is about to exit, and still answers calls: it is not ready. */
  retire(): void;
  /** It answers no more calls. It has started and is alive, so that nobody kills it while it ends in order. */
  close(): void;
}

/**
 * The health of a process that has started.
 * @param services full names, such as 'trikd.v1.TrainerService'
 * @param ready settles when it is ready; default: it is
 */
export function serviceHealth(services: readonly string[], ready?: Promise<unknown>): ServiceHealth {
  const served = ['', ...services];
  const names = [...served, ...PROBES];
  const implementation = new HealthImplementation(Object.fromEntries(names.map((name) => [name, 'SERVING'])));
  let retired = false;
  const retire = () => {
    retired = true;
    implementation.setStatus('readiness', 'NOT_SERVING');
  };
  if (ready) {
    implementation.setStatus('readiness', 'NOT_SERVING');
    const report = () => retired || implementation.setStatus('readiness', 'SERVING');
    ready.then(report, report);
  }
  return {
    implementation,
    retire,
    close() {
      retire();
      for (const name of served) implementation.setStatus(name, 'NOT_SERVING');
    },
  };
}
