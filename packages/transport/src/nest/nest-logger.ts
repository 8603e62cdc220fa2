import type { LoggerService } from '@nestjs/common';
import type { Logger } from '@trikd/process/logging';

/** Writes Nest's messages to our log; those about routes and modules at debug. */
export function nestLogger(log: Logger): LoggerService {
  return {
    log: (message: unknown, context: unknown) => log.debug({ context }, String(message)),
    debug: (message: unknown, context: unknown) => log.debug({ context }, String(message)),
    verbose: (message: unknown, context: unknown) => log.trace({ context }, String(message)),
    warn: (message: unknown, context: unknown) => log.warn({ context }, String(message)),
    error: (message: unknown, ...context: unknown[]) => log.error({ context }, String(message)),
    fatal: (message: unknown, ...context: unknown[]) => log.fatal({ context }, String(message)),
  };
}
