import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import type { SummedFile } from '@trikd/model-host/data/verify-files';
import { namedDataFolders } from '@trikd/process/environment';
// biome-ignore lint/correctness/useImportExtensions: the file is JSON in the build, too
import sets from './data-sets.json' with { type: 'json' };

/** A public data set that `trikd data pull` brings. The list is a file that the scripts for fetching read too. */
export interface DataSet {
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
export const DATA_SETS: readonly DataSet[] = Object.entries(sets).map(([name, { files, data, ...set }]) => {
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
export async function installedFolder({ name, files: [first] }: DataSet): Promise<string | undefined> {
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
export function specText({ data }: DataSet): string {
  const fields = Object.entries(data).map(([name, value]) => `${name}: ${value}`);
  return `data: { ${fields.join(', ')} }`;
}
