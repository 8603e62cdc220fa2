import { pino } from 'pino';
import { z } from 'zod';
import { PRIVATE_FILE } from './private-files.js';

/** Writes one JSON object per line: a constant message, and fields. */
export type Logger = Pick<pino.Logger, 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'> & {
  child(fields: Readonly<Record<string, unknown>>): Logger;
};

export const LogConfig = z
  .strictObject({
    level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    file: z.string().min(1).optional().describe('path of a file to append to; default: standard output'),
  })
  .prefault({});
export type LogConfig = z.infer<typeof LogConfig>;

/** The log of a process. Writes are synchronous, so that the last lines before a crash are kept. */
export function createLogger(
  config: LogConfig,
  service: string,
  stream: pino.DestinationStream = open(config),
): Logger {
  return pino(
    { level: config.level, base: { service, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    stream,
  );
}

/** Where the audit log goes. */
export interface AuditConfig {
  readonly file?: string | undefined;
}

/** The log of who did what: a file of its own that only this user can read, or lines of the log of the process. */
export function auditLogger({ file }: AuditConfig, service: string, log: Logger): Logger {
  const fields = { logger: 'audit' };
  if (file === undefined) return log.child(fields);
  const stream = pino.destination({ dest: file, mkdir: true, append: true, sync: true, mode: PRIVATE_FILE });
  return createLogger({ level: 'info' }, service, stream).child(fields);
}

function open({ file }: LogConfig): pino.DestinationStream {
  return pino.destination(
    file === undefined
      ? { dest: 1, sync: true }
      : { dest: file, mkdir: true, append: true, sync: true, mode: PRIVATE_FILE },
  );
}
