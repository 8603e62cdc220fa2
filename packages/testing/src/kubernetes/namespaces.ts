/** Namespaces of Linux that keep a cluster apart from the machine: its network, mounts and processes end with them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlOf, hasEnded } from '../servers/child-server.js';
import { goTool } from '../servers/go-tool.js';
import type { Part } from '../servers/until-answer.js';

/** A program that keeps running inside. */
export type Inhabitant = Part;

export interface Namespaces {
  /** The command line that runs another one inside. */
  inside(command: readonly string[]): readonly string[];
  /** Runs a command to its end and returns its output. @throws with its message */
  run(...command: readonly string[]): string;
  /** Starts a program that keeps running; its output goes to log/<name>.log. */
  start(name: string, command: readonly string[]): Inhabitant;
  /** Kills everything inside. */
  close(): Promise<void>;
}

const UNSHARE = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];

/** Why this process may not make namespaces, or undefined when it may. */
export function namespaceProblem(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root: it makes networks and mounts, in namespaces of its own';
  const { status, stderr, error } = spawnSync('unshare', [...UNSHARE, 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `namespaces are refused: ${error?.message ?? stderr.trim()}`;
}

/** Opens them. Files that the programs inside write go to `folder`. @param path where programs are looked up, before PATH */
export async function openNamespaces(folder: string, path: string): Promise<Namespaces> {
  const env = { PATH: `${path}:${process.env['PATH'] ?? ''}`, HOME: folder, TMPDIR: folder };
  // The first process inside ends with this one, even when this one is killed; with it the kernel ends all others.
  const command = ['--pdeathsig', 'KILL', 'unshare', ...UNSHARE, 'sh', '-c', 'echo open; exec "$0"', goTool('pause')];
  const holder = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const control = controlOf(holder);
  await Promise.race([once(holder.stdout, 'data'), control.ended]);
  if (holder.exitCode !== null || holder.pid === undefined)
    throw new Error('the namespaces of the cluster do not open');
  const of = (kind: string) => `/proc/${holder.pid}/ns/${kind}`;
  const inside = (command: readonly string[]) => [
    'nsenter',
    `--net=${of('net')}`,
    `--mount=${of('mnt')}`,
    `--pid=${of('pid_for_children')}`,
    ...command,
  ];
  mkdirSync(join(folder, 'log'), { recursive: true });
  return {
    inside,
    run: (...command) => {
      const [program = '', ...args] = inside(command);
      const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
      if (status !== 0) throw new Error(`${command.join(' ')}: ${error?.message ?? (stderr.trim() || stdout.trim())}`);
      return stdout;
    },
    start: (name, command) => {
      const [program = '', ...args] = inside(command);
      const path = join(folder, 'log', `${name}.log`);
      const log = createWriteStream(path);
      const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.pipe(log, { end: false });
      child.stderr.pipe(log, { end: false });
      child.on('error', (error) => log.write(`${error.message}\n`));
      return {
        name,
        words: () => readFileSync(path, 'utf8').slice(-2000).trim(),
        gone: () => hasEnded(child),
      };
    },
    close: async () => {
      // When the first process inside ends by itself, its parent ends after all others: then their files are free.
      const [program = '', ...args] = inside(['kill', '-TERM', '1']);
      if (holder.exitCode !== null || spawnSync(program, args).status !== 0) return control.kill();
      await control.ended;
    },
  };
}
