import type { Logger } from '../logging.js';

/**
 * Aborts when the process is asked to end: by SIGTERM, SIGINT, or because the parent that started it with an IPC channel is gone.
 * An error that nobody handled is logged and ends the process with status 1: what it left behind cannot be trusted.
 */
export function shutdownSignal(log: Logger): AbortSignal {
  const shutdown = new AbortController();
  const end = (reason: string) => () => {
    if (shutdown.signal.aborted) return;
    log.info({ reason }, 'shutting down');
    shutdown.abort();
  };
  process.on('SIGTERM', end('SIGTERM'));
  process.on('SIGINT', end('SIGINT'));
  if (process.connected) process.once('disconnect', end('the parent process is gone'));
  const crash = (error: unknown) => {
    log.fatal({ err: error }, 'an error that nobody handled');
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  return shutdown.signal;
}
