import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TrikdError } from '@trikd/core/domain/errors';
import { cacheFolder } from '@trikd/process/environment';
import type { Shell } from '../shell.js';
import type { DataSet } from './data-sets.js';

/** The scripts for fetching, in a checkout. */
const SCRIPTS = fileURLToPath(new URL('../../../../scripts/', import.meta.url));

/**
 * Brings a data set into the cache folder, unless it is there.
 * @param from file or address of its archive; undefined: where its authors have it
 * @param said receives what the script says of its progress
 * @throws TrikdError 'unavailable' with the last words of the script if that fails
 */
export async function pull(
  { name, script, fromArchive }: DataSet,
  from: string | undefined,
  { env, rest }: Pick<Shell, 'env' | 'rest'>,
  said: (line: string) => void,
): Promise<void> {
  if (from !== undefined && !fromArchive) {
    throw new TrikdError('invalid', `--from is for sets that are archives, and ${name} is fetched as a package`);
  }
  const [file, ...settings] = script;
  if (!existsSync(`${SCRIPTS}${file}`)) {
    const hint = `pull it with a checkout of trikd, and put its folder into ${cacheFolder()}`;
    throw new TrikdError('invalid', `this installation has no scripts that fetch data: ${hint}`);
  }
  const words = [`${SCRIPTS}${file}`, ...settings, ...(from === undefined ? [] : [from])];
  // A set that is pulled is found by its name; TRIKD_DATA would stand in for it. A script may need Node.js.
  const path = [dirname(process.execPath), env['PATH'] ?? ''].join(delimiter);
  const variables = { ...env, PATH: path, TRIKD_CACHE: cacheFolder(), TRIKD_DATA: '', PYTHONDONTWRITEBYTECODE: '1' };
  const child = spawn('python3', words, { stdio: ['ignore', 'pipe', 'pipe'], env: variables });
  const abort = () => child.kill('SIGTERM');
  rest.addEventListener('abort', abort, { once: true });
  try {
    const problems: string[] = [];
    createInterface({ input: child.stdout }).on('line', said);
    createInterface({ input: child.stderr }).on('line', (line) => problems.push(line));
    const [status] = await ended(child);
    rest.throwIfAborted();
    if (status === 0) return;
    throw new TrikdError('unavailable', problems.slice(-LAST_WORDS).join('\n') || `${file} ended with ${status}`);
  } finally {
    rest.removeEventListener('abort', abort);
  }
}

/** Lines of a failed script that are quoted. */
const LAST_WORDS = 8;

async function ended(child: ReturnType<typeof spawn>): Promise<unknown[]> {
  try {
    return await once(child, 'close');
  } catch (cause) {
    throw new TrikdError('unavailable', 'python3 cannot be started: install it', {}, { cause });
  }
}
