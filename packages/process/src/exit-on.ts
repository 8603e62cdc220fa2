import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from './logging.js';

/** Logs a TrikdError that keeps a process from starting, such as an address in use, and exits. @throws any other error */
export function exitOn(error: unknown, log: Pick<Logger, 'fatal'>): never {
  if (!(error instanceof TrikdError)) throw error;
  log.fatal(error.message);
  process.exit(1);
}
