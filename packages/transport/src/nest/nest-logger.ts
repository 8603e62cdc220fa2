import type { LoggerService } from '@nestjs/common';
import type { Logger } from '@trikd/process/logging';

/** Nest's own messages in our log. Its story of every route and module is for debugging. */
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
