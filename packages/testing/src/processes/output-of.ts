import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface OutputOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: nothing. */
  readonly input?: string;
}

/** Runs a program to its end, while this process goes on. Resolves with its output. @throws with its message, after `what` */
export async function outputOf(
  what: string,
  program: string,
  args: readonly string[],
  { env, input = '' }: OutputOptions,
): Promise<string> {
  const child = spawn(program, args, { env, stdio: 'pipe' });
  const exited = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  child.stdin.on('error', () => undefined).end(input);
  const [output, errors, status] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  if (status !== 0) throw new Error(`${what}: ${errors.trim() || output.trim()}`);
  return output;
}
