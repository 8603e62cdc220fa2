import type { Logger } from './logging.js';

/** What is asked of the process itself. */
interface OwnProcess {
  readonly connected: boolean;
  on(event: string, listener: (error: unknown) => void): unknown;
  once(event: string, listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * Aborts when the process is asked to end: by SIGTERM, SIGINT, or because the parent that started it with an IPC channel is gone.
 * An error that nobody handled is logged and ends the process with status 1: what it left behind cannot be trusted.
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
  if (own.connected) own.once('disconnect', end('the parent process is gone'));
  const crash = (error: unknown) => {
    log.fatal({ err: error }, 'an error that nobody handled');
    own.exit(1);
  };
  own.on('uncaughtException', crash);
  own.on('unhandledRejection', crash);
  return shutdown.signal;
}
