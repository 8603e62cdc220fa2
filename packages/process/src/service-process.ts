import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TrikdError } from '@trikd/core/domain/errors';
import { compiledCodeFolder, computingEnvironment } from './environment.js';
import { hasCode } from './error-code.js';
import { PRIVATE_FILE, PRIVATE_FOLDER } from './private-files.js';

/** The services of a run. */
export const SERVICE_NAMES = ['orchestrator', 'anchor-server', 'teacher-trainer', 'student-trainer'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** A service in a child process. Its process group is its own, so that Ctrl-C reaches only the parent. */
export interface ServiceProcess {
  readonly name: ServiceName;
  /** host:port. */
  readonly address: string;
  /** URL of its sidecar, such as the dashboard of the orchestrator. */
  readonly url?: string;
  /** Resolves with a sentence when the process has ended, for any reason. */
  readonly ended: Promise<string>;
  /** Asks it to exit. */
  readonly terminate: () => void;
  /** Kills it and its child processes. */
  readonly kill: () => void;
}

/** How to start a service. */
export interface ServiceSetup {
  /** Configuration by path, such as `store.path`. Values are serialised as JSON. */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * Configuration that is known later. The service loads its modules meanwhile; its `main.ts` has to call `settingsThatFollow`. A rejection
   * is for the caller, who then kills the service.
   */
  readonly later?: Promise<Readonly<Record<string, unknown>>>;
  /** Folder for its log. */
  readonly logs: string;
  /** The compiled service. */
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Further arguments of Node.js. */
  readonly node?: readonly string[];
  /** Further streams of the process, from file descriptor 4. */
  readonly streams?: readonly 'pipe'[];
}

/** A service that has been spawned. */
export interface StartedService {
  readonly child: ChildProcess;
  /** Kills it and its child processes. */
  readonly kill: () => void;
  /** Resolves when it listens. Rejects with 'unavailable' if it ends first. */
  readonly ready: Promise<ServiceProcess>;
}

/**
 * Saves a service about a hundred MB of unused memory: by default V8 grows the space for young objects, and glibc gives
 * each of many threads an arena that returns little.
 */
const YOUNG_SPACE = '--max-semi-space-size=8';
const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' };

/** Tells a service that settings follow by IPC. */
const SETTINGS_FOLLOW = '--settings-follow';

/**
 * Where the parent process knows some settings only later, loads what the service consists of, and then waits for them. It exits when the
 * parent process ends meanwhile.
 */
export async function settingsThatFollow(load: () => Promise<unknown>): Promise<void> {
  if (!process.argv.includes(SETTINGS_FOLLOW)) return;
  const exit = () => process.exit();
  process.once('disconnect', exit);
  const settings = new Promise<void>((resolve) => {
    process.once('message', ({ env }: { readonly env: Readonly<Record<string, string>> }) => {
      Object.assign(process.env, env);
      resolve();
    });
  });
  await Promise.all([settings, load()]);
  process.off('disconnect', exit);
}

/** The compiled service of this repository. */
function entryOf(name: ServiceName): string {
  return fileURLToPath(new URL(`../../../services/${name}/dist/main.js`, import.meta.url));
}

/**
 * Starts a service, by default on a free port of the loopback interface. It exits when this process does, because their
 * IPC channel closes.
 */
export function startService(name: ServiceName, setup: ServiceSetup): StartedService {
  const { logs, settings, later, entry = entryOf(name), env = {}, node = [], streams = [] } = setup;
  mkdirSync(logs, { recursive: true, mode: PRIVATE_FOLDER });
  const log = join(logs, `${name}.jsonl`);
  const stderr = join(logs, `${name}.stderr`);
  const output = openSync(stderr, 'a', PRIVATE_FILE);
  const child = spawn(process.execPath, [YOUNG_SPACE, ...node, entry, ...(later ? [SETTINGS_FOLLOW] : [])], {
    detached: true,
    env: {
      ...FEW_ARENAS,
      NODE_COMPILE_CACHE: compiledCodeFolder(),
      ...computingEnvironment(env),
      ...asEnvironment({ listen: '127.0.0.1:0', ...settings, 'log.file': log }),
    },
    stdio: ['ignore', output, output, 'ipc', ...streams],
  });
  closeSync(output);
  // One that has ended meanwhile says why by its end.
  later?.then(
    (known) => child.send({ type: 'settings', env: asEnvironment(known) }, () => undefined),
    () => undefined,
  );
  const ended = endOf(child).then((how) => {
    const why = lastError(log, stderr);
    return `the ${name} ended (${how})${why ? `: ${why}` : ''}`;
  });
  const kill = () => killGroup(child);
  const listening = new Promise<ServiceProcess>((resolve) => {
    child.on('message', (message) => {
      const where = whereIn(message);
      if (where) resolve({ name, ...where, ended, kill, terminate: () => void child.kill('SIGTERM') });
    });
  });
  const early = ended.then((sentence) => {
    throw new TrikdError('unavailable', sentence);
  });
  early.catch(() => undefined);
  return { child, kill, ready: Promise.race([listening, early]) };
}

/** `store.path` becomes TRIKD_STORE__PATH. Values are JSON, which is YAML too, so that a text is not read as a number. */
function asEnvironment(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([path, value]) => [
      `TRIKD_${path
        .replaceAll('.', '__')
        .replace(/[A-Z]/g, (letter) => `_${letter}`)
        .toUpperCase()}`,
      JSON.stringify(value),
    ]),
  );
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? howOf(code)));
  });
}

/** A service that has ended in order after a signal says so by its status. */
function howOf(status: number | null): string {
  if (status === 143) return 'in order, by SIGTERM';
  if (status === 130) return 'in order, by SIGINT';
  return `status ${status}`;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It may have ended meanwhile.
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

function whereIn(message: unknown): Pick<ServiceProcess, 'address' | 'url'> | undefined {
  if (typeof message !== 'object' || message === null || !('type' in message) || !('address' in message))
    return undefined;
  if (message.type !== 'listening' || typeof message.address !== 'string') return undefined;
  const url = 'url' in message && typeof message.url === 'string' ? { url: message.url } : {};
  return { address: message.address, ...url };
}

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
