import { existsSync, readFileSync } from 'node:fs';

/** pino's level of errors. */
const ERROR = 50;

/** The last error in the log of a service, otherwise the last line of its standard error, otherwise undefined. */
export function lastError(log: string, stderr: string): string | undefined {
  const errors = linesOf(log).flatMap((line) => errorIn(line) ?? []);
  return errors.at(-1) ?? linesOf(stderr).findLast((line) => !isChatter(line));
}

/** The last error in the end of what a service wrote to both of its outputs, otherwise the last line that is no entry of its log. */
export function lastErrorIn(output: string): string | undefined {
  const lines = linesIn(output);
  const errors = lines.flatMap((line) => errorIn(line) ?? []);
  return errors.at(-1) ?? lines.findLast((line) => !isChatter(line) && !isRecord(parsed(line)));
}

/** Lines that TensorFlow writes to standard error without an error. */
const CHATTER = /^([IW]\d{4} |\d{4}-\d{2}-\d{2} [\d:.]+: [IW] |WARNING: All log messages before)/;

/** Whether a line of standard error is one that TensorFlow writes without an error. */
export function isChatter(line: string): boolean {
  return CHATTER.test(line);
}

function linesOf(path: string): readonly string[] {
  return existsSync(path) ? linesIn(readFileSync(path, 'utf8')) : [];
}

function linesIn(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function errorIn(line: string): string | undefined {
  const entry = parsed(line);
  if (!isRecord(entry) || typeof entry.level !== 'number' || entry.level < ERROR) return undefined;
  const message = typeof entry.msg === 'string' ? entry.msg : 'an error';
  const { err } = entry;
  return isRecord(err) && typeof err.message === 'string' ? `${message}: ${err.message}` : message;
}

/** A process that is killed while it writes leaves an incomplete line. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
