import { PassThrough } from 'node:stream';
import type { Shell } from '../../services/cli/src/terminal/shell.js';

/** What a command has left. */
export interface Printed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, from a shell that is no terminal. */
export async function printedBy(command: (shell: Shell) => Promise<number>, env: Shell['env'] = {}): Promise<Printed> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const never = new AbortController().signal;
  const stdin = new PassThrough().end();
  const status = await command({ stdin, stdout, stderr, env, rest: never, end: never });
  const text = (stream: PassThrough) => stream.end().read()?.toString() ?? '';
  return { status, stdout: text(stdout), stderr: text(stderr) };
}
