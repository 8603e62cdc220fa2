import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from './logging.js';

/** The part of `process` that is used here. */
interface OwnProcess {
  readonly connected: boolean;
  on(event: string, listener: (error: unknown) => void): unknown;
  listenerCount(event: string): number;
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
 * Exits on a signal that comes while the program is still loaded, before `shutdownSignal`. Process 1 of a container needs it: the kernel
 * drops a signal that such a process does not listen to, and the container would run on until it is killed.
 */
export function exitOnEarlySignals(own: OwnProcess = process): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    own.on(signal, () => {
      if (own.listenerCount(signal) === 1) own.exit(EXIT_STATUS[signal]);
    });
  }
}

/**
 * The result of work that comes before the process serves anybody. When the process is asked to exit meanwhile, it exits at once: it has
 * nothing to hand over.
 * @param shutdown as `shutdownSignal` returns it
 */
export async function unlessShutDown<T>(
  shutdown: AbortSignal,
  work: Promise<T>,
  own: Pick<OwnProcess, 'exit'> = process,
): Promise<T> {
  const exit = () => own.exit(exitStatusOf(shutdown));
  if (shutdown.aborted) exit();
  shutdown.addEventListener('abort', exit, { once: true });
  try {
    return await work;
  } finally {
    shutdown.removeEventListener('abort', exit);
  }
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

/** Logs a TrikdError that keeps a process from starting, such as an address in use, and exits. @throws any other error */
export function exitOn(error: unknown, log: Pick<Logger, 'fatal'>): never {
  if (!(error instanceof TrikdError)) throw error;
  log.fatal(error.message);
  process.exit(1);
}
