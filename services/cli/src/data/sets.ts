import { TrikdError } from '@trikd/core/domain/errors';
import { verifyShardFolder } from '@trikd/model-host/data/shards/shard-folder';
import { verifyFiles } from '@trikd/model-host/data/verify-files';
import Table from 'cli-table3';
import { withProgress } from '../progress.js';
import { isTerminal, print, type Shell, say } from '../shell.js';
import { formatted, size } from '../texts.js';
import type { ListOptions, PullOptions } from './command.js';
import { DATA_SETS, type DataSet, dataSetOf, installedFolder, specText } from './data-sets.js';
import { pull } from './pull.js';

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
