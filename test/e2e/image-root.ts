/** The file system of the image, put together from the folders of its layers, and commands that run in it as they do in a container. */
import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { finalStage } from '../../scripts/image/dockerfile.js';
import type { Ended } from './trikd.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Folder of the layers; `make imagelayers` makes them. */
export const LAYER_FOLDER = join(ROOT, 'build/image/cpu');
export const { config, copies } = finalStage(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'), 'cpu');
const [UID] = config.User.split(':');
/** The only folder, besides /tmp, that is writable. */
export const HOME = '/var/lib/trikd';

/** Mounts need root. Elsewhere the layers are only looked at. */
export const canMount = process.getuid?.() === 0;

/**
 * Arguments: folder for the mount, lower folders, folder for HOME, uid, working folder, then the command. A file system with lower folders
 * alone is read-only. /proc is that of an own PID namespace, whose processes end with the command.
 */
const SCRIPT = `
set -e
root=$1 lower=$2 home=$3 user=$4 folder=$5; shift 5
mount -t overlay -o "lowerdir=$lower" overlay "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$home" "$root${HOME}"
exec env -i "\${ENVIRONMENT[@]}" unshare --root="$root" --wd="$folder" --setuid="$user" --setgid="$user" "$@"`;

/** A container's worth of state: what one command leaves in HOME, the next one finds. @param folder of the test */
export function imageIn(folder: string) {
  if (!existsSync(join(LAYER_FOLDER, 'app'))) throw new Error(`there is no ${LAYER_FOLDER}: run \`make imagelayers\``);
  const place = (name: string) => {
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const root = place('root');
  const home = place('home');
  chownSync(home, Number(UID), Number(UID));
  // The folder that HOME is mounted on is made by its own layer, which lies elsewhere in the tree of layers.
  place(`mounts${HOME}`);
  const lower = [
    join(folder, 'mounts'),
    ...['app', 'packages', 'tensorflow', 'base'].map((name) => join(LAYER_FOLDER, name)),
  ];
  const command = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> => {
    const variables = [
      ...config.Env,
      `HOME=${HOME}`,
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ];
    const script = `ENVIRONMENT=(${variables.map((each) => `'${each}'`).join(' ')})\n${SCRIPT}`;
    const args = [root, lower.join(':'), home, UID!, config.WorkingDir, ...words];
    const namespaces = ['--mount', '--propagation=private', '--pid', '--fork', '--kill-child'];
    return new Promise((resolve) => {
      const child = execFile(
        'unshare',
        [...namespaces, 'bash', '-c', script, 'bash', ...args],
        { maxBuffer: 2 ** 26 },
        (_, stdout, stderr) => resolve({ status: child.exitCode, signal: child.signalCode, stdout, stderr }),
      );
      onTestFinished(() => void child.kill('SIGKILL'));
    });
  };
  return {
    home,
    /** The image with arguments, as `docker run IMAGE ARGUMENTS`. */
    run: (args: readonly string[], env?: Readonly<Record<string, string>>) =>
      command([...config.Entrypoint, ...args], env),
    /** Another program in it. */
    command,
  };
}
