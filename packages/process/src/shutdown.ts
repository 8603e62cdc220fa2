import type { Logger } from './logging.js';

/** The part of `process` that is used here. */
interface OwnProcess {
  readonly connected: boolean;
  on(event: string, listener: (error: unknown) => void): unknown;
  once(event: string, listener: () => void): unknown;
  exit(code: number): void;
}

/** Why a process ends, and the exit status that tells it, as a shell tells it: 128 plus the number of the signal. */
const EXIT_STATUS = { SIGTERM: 143, SIGINT: 130, 'parent process exited': 0 } as const;
type Reason = keyof typeof EXIT_STATUS;

function isReason(reason: unknown): reason is Reason {
  return typeof reason === 'string' && reason in EXIT_STATUS;
}

/**
 * The exit status of a service that has ended in order. A service has no end of its own: with status 0 after a signal, a supervisor such as
 * Kubernetes would take a pod that was evicted for one that has done its work.
 * @param shutdown as `shutdownSignal` returns it
 */
export function exitStatusOf({ reason }: AbortSignal): number {
  return isReason(reason) ? EXIT_STATUS[reason] : 0;
}

/**
 * Aborts when the process is asked to exit: by SIGTERM, by SIGINT, or when the parent process closes the IPC channel.
 * An unhandled error is logged, and the process exits with status 1: its state can no longer be trusted.
 */
export function shutdownSignal(log: Logger, own: OwnProcess = process): AbortSignal {
  const shutdown = new AbortController();
  const end = (reason: Reason) => () => {
    if (shutdown.signal.aborted) return;
    log.info({ reason }, 'shutting down');
    shutdown.abort(reason);
  };
  own.on('SIGTERM', end('SIGTERM'));
  own.on('SIGINT', end('SIGINT'));
  if (own.connected) own.once('disconnect', end('parent process exited'));
  const crash = (error: unknown) => {
    log.fatal({ err: error }, 'unhandled error');
    own.exit(1);
  };
  own.on('uncaughtException', crash);
  own.on('unhandledRejection', crash);
  return shutdown.signal;
}
