import { resolve } from 'node:path';
import { eventNumber } from '@trikd/events/event';
import { isAddress } from '@trikd/process/address';
import { InvalidArgumentError, Option } from 'commander';
import { endpointOf } from '../server/endpoint.js';

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

/** `--server ADDRESS` */
export function serverOption(): Option {
  return new Option(
    '--server <address>',
    'orchestrator: host:port, https://host[:port], or grpc://host:port for plain text',
  )
    .env('TRIKD_SERVER')
    .argParser(serverAddress)
    .default(DEFAULT_SERVER);
}

/** What a command proves of itself, and how it recognises the server: for every command with `--server`. */
export function credentialOptions(): readonly Option[] {
  const file = (flag: string, meaning: string, variable: string) => new Option(`${flag} <file>`, meaning).env(variable);
  return [
    file('--ca', 'PEM file of the authority that signs the certificate of the server', 'TRIKD_CA'),
    file('--cert', 'PEM file of your certificate, where people are recognised by one', 'TRIKD_CERT'),
    file('--key', 'PEM file of its private key', 'TRIKD_KEY'),
    file('--token-file', 'file with a bearer token, instead of `trikd login`', 'TRIKD_TOKEN_FILE'),
  ];
}

export function serverAddress(text: string): string {
  if (!endpointOf(text)) throw new InvalidArgumentError('Expected host:port or https://host, such as 127.0.0.1:50050.');
  return text;
}

/** `--timeout SECONDS` */
export function timeoutOption(seconds: number): Option {
  return new Option('--timeout <seconds>', 'time limit for the answer').argParser(positiveNumber).default(seconds);
}

/** `--tls DIR` */
export function tlsOption(): Option {
  return new Option('--tls <dir>', 'TLS with the certificates that `trikd certs init <dir>` has made').argParser(
    (dir: string) => resolve(dir),
  );
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

export function positiveWholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number above 0.');
  return Number(text);
}

/** A whole number from -100 to 100. */
export function priority(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || Math.abs(value) > 100)
    throw new InvalidArgumentError('Expected a whole number from -100 to 100.');
  return value;
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

/** Where the store of a run is. Without a choice the environment names it, or it is in the folder `runs`. */
export interface StoreChoice {
  /** Folder with a folder for each run. */
  readonly store?: string;
  /** YAML file whose `store` it is. */
  readonly config?: string;
}

/** `--store DIR` and `--config FILE` */
export function storeOptions(): readonly [Option, Option] {
  return [
    new Option('--store <dir>', 'folder with a folder for each run (default: TRIKD_STORE__*, or "runs")'),
    new Option('--config <file>', 'configuration of a service whose `store` has the run').conflicts('store'),
  ];
}
