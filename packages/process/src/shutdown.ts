import type { Logger } from './logging.js';

/** The part of `process` that is used here. */
interface OwnProcess {
  readonly connected: boolean;
  on(event: string, listener: (error: unknown) => void): unknown;
  once(event: string, listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * Aborts when the process is asked to exit: by SIGTERM, by SIGINT, or when the parent process closes the IPC channel.
 * An unhandled error is logged, and the process exits with status 1: its state can no longer be trusted.
 */
export function shutdownSignal(log: Logger, own: OwnProcess = process): AbortSignal {
  const shutdown = new AbortController();
  const end = (reason: string) => () => {
    if (shutdown.signal.aborted) return;
    log.info({ reason }, 'shutting down');
    shutdown.abort();
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
