import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TrikdError } from '@trikd/core/domain/errors';
import { verifyShardFolder } from '@trikd/model-host/data/shards/shard-folder';
import { type SummedFile, verifyFiles } from '@trikd/model-host/data/verify-files';
import { cacheFolder, namedDataFolders } from '@trikd/process/environment';
import Table from 'cli-table3';
import { isTerminal, print, type Shell, say, withProgress } from '../../terminal/shell.js';
import { formatted, size } from '../../terminal/texts.js';
import type { ListOptions, PullOptions } from './command.js';
// biome-ignore lint/correctness/useImportExtensions: the file is JSON in the build, too
import sets from './data-sets.json' with { type: 'json' };

/** `trikd data list` */
export async function listSets({ output }: ListOptions, shell: Shell): Promise<void> {
  const rows = await Promise.all(DATA_SETS.map(async (set) => ({ set, folder: await installedFolder(set) })));
  if (output !== 'table') {
    const listed = rows.map(({ set: { name, content, images, megabytes, licence, source, data }, folder }) => ({
      ...{ name, content, images, megabytes, licence, source, data },
      ...(folder !== undefined && { folder }),
    }));
    print(shell, formatted(listed, output));
    return;
  }
  const table = new Table({
    head: ['name', 'content', 'images', 'MB', 'licence', 'folder'],
    colAligns: ['left', 'left', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { set, folder } of rows) {
    const { name, content, images, megabytes, licence } = set;
    table.push([name, content, images, megabytes, licence, folder ?? 'not pulled']);
  }
  print(shell, table.toString());
}

/** `trikd data pull` */
export async function pullSets({ names, from }: PullOptions, shell: Shell): Promise<void> {
  const sets = names.map(dataSetOf);
  if (from !== undefined && sets.length > 1) {
    throw new TrikdError('invalid', '--from is the archive of one set: name one');
  }
  for (const set of sets) {
    say(shell, `${set.name}: licence ${set.licence}; from ${from ?? set.source}`);
    await withProgress(shell, async (report) => {
      const said = isTerminal(shell.stderr) ? report : (line: string) => say(shell, line);
      await pull(set, from, shell, said);
    });
    print(shell, `${set.name}: ${await verifiedSet(set, shell)}`);
    print(shell, `  ${specText(set)}`);
  }
}

/** `trikd data verify`. @param places names of sets and folders of shards; none: every set that is on this machine */
export async function verifyPlaces(places: readonly string[], shell: Shell): Promise<void> {
  if (places.length === 0) {
    const here = await Promise.all(DATA_SETS.map(async (set) => ((await installedFolder(set)) ? [set.name] : [])));
    if (here.flat().length === 0) throw new TrikdError('not-found', 'no data set was pulled; name a folder of shards');
    return await verifyPlaces(here.flat(), shell);
  }
  for (const place of places) {
    const set = DATA_SETS.find(({ name }) => name === place);
    const text = set ? await verifiedSet(set, shell) : await verifiedShards(place, shell);
    print(shell, `${place}: ${text}`);
  }
}

async function verifiedSet(set: DataSet, shell: Shell): Promise<string> {
  const folder = await installedFolder(set);
  if (folder === undefined) {
    throw new TrikdError('not-found', `${set.name} is not on this machine: run \`trikd data pull ${set.name}\``);
  }
  await counted(shell, set.name, (read) => verifyFiles(folder, set.files, read));
  return `${set.files.length} files in ${folder} have the SHA-256 that they should`;
}

async function verifiedShards(folder: string, shell: Shell): Promise<string> {
  const files = await counted(shell, folder, (read) => verifyShardFolder(folder, read));
  if (files !== undefined) return `${files} files have the SHA-256 that shards.json says`;
  const hint = 'name a set of `trikd data list`, or a folder that `trikd data convert --to shards` has written';
  throw new TrikdError('not-found', `there is no shards.json in ${folder}: ${hint}`, { folder });
}

/** Reads files, and shows how far that is. */
function counted<T>(shell: Shell, what: string, work: (read: (bytes: number) => void) => Promise<T>): Promise<T> {
  return withProgress(shell, (report) => {
    let bytes = 0;
    return work((read) => {
      bytes += read;
      report(`${what}: ${size(bytes)} read`);
    });
  });
}

/** A public data set that `trikd data pull` brings. The list is a file that the scripts for fetching read too. */
interface DataSet {
  readonly name: string;
  /** What is in it, for people. */
  readonly content: string;
  readonly images: number;
  /** That are downloaded. */
  readonly megabytes: number;
  readonly licence: string;
  readonly source: string;
  /** The script that brings it, with its arguments. */
  readonly script: readonly string[];
  /** What `data` in the spec of a run is. */
  readonly data: Readonly<Record<string, string>>;
  readonly files: readonly SummedFile[];
  /** Whether it comes from an archive, of which there may be a copy elsewhere. */
  readonly fromArchive: boolean;
}

/** All of them. */
const DATA_SETS: readonly DataSet[] = Object.entries(sets).map(([name, { files, data, ...set }]) => {
  const { kind, ...others } = data;
  return {
    ...set,
    name,
    data: { kind, name, ...others },
    // Distributions compress IDX files anew.
    files: Object.entries(files).map(([path, sha256]) => ({ path, sha256, gzip: kind === 'idx' })),
    fromArchive: 'archive' in set,
  };
});

/** @throws TrikdError 'not-found' with the names that there are */
export function dataSetOf(name: string): DataSet {
  const found = DATA_SETS.find((set) => set.name === name);
  if (found) return found;
  const names = DATA_SETS.map((set) => set.name).join(', ');
  throw new TrikdError('not-found', `there is no data set ${name} to pull: there are ${names}`, { name });
}

/** The folder that a run would read it from, if it is on this machine. */
async function installedFolder({ name, files: [first] }: DataSet): Promise<string | undefined> {
  for (const folder of namedDataFolders(name)) {
    const path = join(folder, `${first!.path}${first!.gzip ? '.gz' : ''}`);
    const there = await stat(path).then(
      (stats) => stats.isFile(),
      () => false,
    );
    if (there) return folder;
  }
  return undefined;
}

/** What to write into the spec of a run. */
function specText({ data }: DataSet): string {
  const fields = Object.entries(data).map(([name, value]) => `${name}: ${value}`);
  return `data: { ${fields.join(', ')} }`;
}

/** The scripts for fetching, in a checkout. */
const SCRIPTS = fileURLToPath(new URL('../../../../../scripts/', import.meta.url));

/**
 * Brings a data set into the cache folder, unless it is there.
 * @param from file or address of its archive; undefined: where its authors have it
 * @param said receives what the script says of its progress
 * @throws TrikdError 'unavailable' with the last words of the script if that fails
 */
async function pull(
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
