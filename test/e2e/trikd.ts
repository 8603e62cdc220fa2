import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { onTestFinished } from 'vitest';
import { processesOf } from './processes.js';

/** The compiled command. */
export const MAIN = fileURLToPath(new URL('../../services/cli/dist/main.js', import.meta.url));

/** A line of JSON from standard output. */
export type Line = Readonly<Record<string, unknown>>;

/** What is left of a command when it has ended. */
export interface Ended {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `trikd` as a process. */
export interface Command {
  readonly pid: number;
  /** The first line of JSON that fits, among those that came and those that come. Rejects when the process ends before. */
  readonly said: (fits: (line: Line) => boolean) => Promise<Line>;
  /** Resolves with what fits when standard output, without control characters, has it. Rejects when the process ends before. */
  readonly drew: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Resolves when standard error has what fits. Rejects when the process ends before. */
  readonly complained: (pattern: RegExp) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Stops reading what it says. */
  readonly leave: () => void;
  /** Writes to its standard input. */
  readonly type: (text: string) => void;
  readonly ended: Promise<Ended>;
}

/** A folder of its own for one test. At its end whatever still runs there is ended, and the folder is removed. */
export function scratch(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'trikd-e2e-')));
  onTestFinished(() => {
    for (const { pid } of processesOf(folder)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  return folder;
}

/** A folder in `folder`, for the path of a shell: `trikd` is in it. */
export function binOf(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'trikd'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
  return bin;
}

/** Writes a spec into a folder as the file that `trikd run` reads. JSON is YAML. */
export function specFile(folder: string, spec: WrittenSpec): string {
  const path = join(folder, `${spec.name}.yaml`);
  writeFileSync(path, JSON.stringify(RunSpec.parse(spec), undefined, 2));
  return path;
}

/** Starts `trikd` with arguments, its standard output no terminal. @param cwd default: that of the tests */
export function trikd(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): Command {
  return command(process.execPath, [MAIN, ...args], env, cwd);
}

/** Starts `trikd` on a pseudo-terminal of a size; what it draws is the standard output of this command. */
export function trikdOnTerminal(
  size: { readonly columns: number; readonly rows: number },
  args: readonly string[],
): Command {
  const relay = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const sized = `stty cols ${size.columns} rows ${size.rows} && exec "$0" "$@"`;
  const env = { TERM: 'xterm' };
  return command('python3', ['-c', relay, 'sh', '-c', sized, process.execPath, MAIN, ...args], env);
}

/** `trikd run` with the spec in `folder`, whose stores are in `folder/runs`; it prints JSON. */
export function startRun(folder: string, spec: WrittenSpec, ...args: readonly string[]): Command {
  return trikd(['run', specFile(folder, spec), '--store', join(folder, 'runs'), '--output', 'json', ...args]);
}

/** `trikd run` to its end. */
export function run(folder: string, spec: WrittenSpec, ...args: readonly string[]): Promise<Ended> {
  return startRun(folder, spec, ...args).ended;
}

function command(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Command {
  const child = spawn(program, args, { env: { ...process.env, ...env }, cwd, stdio: 'pipe' });
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  let [stdout, stderr] = ['', ''];
  const lookAgain = () => {
    for (const look of waiting) look();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    lookAgain();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    lookAgain();
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = jsonOf(text);
    if (line) lines.push(line);
    lookAgain();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  const first = <T>(find: () => T | undefined) =>
    new Promise<T>((resolve, reject) => {
      const look = () => {
        const found = find();
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      look();
      ended.then(({ status, signal }) => {
        reject(new Error(`ended with ${status ?? signal} before that: ${stdout.slice(-2000)}\n${stderr}`));
      }, reject);
    });
  return {
    pid: child.pid ?? 0,
    said: (fits) => first(() => lines.find(fits)),
    drew: (pattern) => first(() => pattern.exec(stripVTControlCharacters(stdout)) ?? undefined),
    complained: (pattern) => first(() => pattern.exec(stderr) ?? undefined).then(() => undefined),
    kill: (signal) => child.kill(signal),
    leave: () => child.stdout.destroy(),
    type: (text) => child.stdin.write(text),
    ended,
  };
}

function jsonOf(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
