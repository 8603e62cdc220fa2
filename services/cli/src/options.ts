import { eventNumber } from '@trikd/events/event-name';
import { isAddress } from '@trikd/process/address';
import { InvalidArgumentError, Option } from 'commander';

/** Format of a result. */
export type Format = 'table' | 'json' | 'yaml';

/** `-o table|json|yaml` */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'format of the result')
    .choices(['table', 'json', 'yaml'])
    .default('table');
}

/** Default address of an orchestrator on this machine. */
export const DEFAULT_SERVER = '127.0.0.1:50050';

/** `--server HOST:PORT` */
export function serverOption(): Option {
  return new Option('--server <host:port>', 'address of the orchestrator')
    .env('TRIKD_SERVER')
    .argParser(address)
    .default(DEFAULT_SERVER);
}

/** `--timeout SECONDS` */
export function timeoutOption(seconds: number): Option {
  return new Option('--timeout <seconds>', 'time limit for the answer').argParser(positiveNumber).default(seconds);
}

export function address(text: string): string {
  if (!isAddress(text)) throw new InvalidArgumentError('Expected host:port, such as 127.0.0.1:50050.');
  return text;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

/** An event as `runs watch` names it, `1.2`, or its number. */
export function eventOption(text: string): number {
  const number = eventNumber(text);
  if (number === undefined) throw new InvalidArgumentError('Expected an event, such as 1.2, or its number.');
  return number;
}

/** `--request-id ID` */
export function requestIdOption(): Option {
  return new Option('--request-id <id>', 'id of the request, which makes a retry safe (default: a new one)');
}
