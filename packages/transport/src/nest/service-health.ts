import { HealthImplementation } from 'grpc-health-check';

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
