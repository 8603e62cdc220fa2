import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type IdxFile, idxSource } from '@trikd/core/data/idx';
import type { ImageSource } from '@trikd/core/data/image-source';
import { type Dataset, splitDataset } from '@trikd/core/data/split';
import { syntheticSource } from '@trikd/core/data/synthetic';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { dataFolders } from '@trikd/process/environment';

/** The four files of a dataset under the names that MNIST introduced; each may end in `.gz`. */
const FILES = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
} as const;

/**
 * Reads or generates the images of a run and splits them. IDX files are searched for in the folder of the spec,
 * otherwise in TRIKD_DATA, otherwise where `make data` and the Debian package install Fashion-MNIST.
 * @throws TrikdError 'not-found' with the files and every folder tried, 'unavailable' for files that cannot be read,
 * 'invalid' for files that are not IDX and if the spec needs more images than there are
 */
export async function loadDataset({ data, seed }: RunSpec): Promise<Dataset> {
  const source = data.kind === 'synthetic' ? syntheticSource(data, seed) : await idxSourceOf(data.folder);
  return splitDataset(source, data, seed);
}

/** The first folder that contains all four files, without reading them; undefined if none does. */
export async function idxFolderAmong(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const names: readonly string[] = await readdir(folder).catch(() => []);
    if (Object.values(FILES).every((name) => names.includes(name) || names.includes(`${name}.gz`))) return folder;
  }
  return undefined;
}

async function idxSourceOf(folder: string | undefined): Promise<ImageSource> {
  const folders = folder === undefined ? dataFolders() : [resolve(folder)];
  for (const candidate of folders) {
    const source = await sourceIn(candidate);
    if (source) return source;
  }
  const files = Object.values(FILES).join(', ');
  throw new TrikdError(
    'not-found',
    `no folder contains all of ${files}, plain or .gz; tried ${folders.join(', ')}; run \`make data\`, or set TRIKD_DATA to their folder`,
    { folders },
  );
}

/** The dataset in a folder, or undefined if one of its files is missing. */
async function sourceIn(folder: string): Promise<ImageSource | undefined> {
  const [trainImages, trainLabels, testImages, testLabels] = await Promise.all([
    fileIn(folder, FILES.trainImages),
    fileIn(folder, FILES.trainLabels),
    fileIn(folder, FILES.testImages),
    fileIn(folder, FILES.testLabels),
  ]);
  if (!(trainImages && trainLabels && testImages && testLabels)) return undefined;
  return idxSource(folder, { trainImages, trainLabels, testImages, testLabels });
}

async function fileIn(folder: string, name: string): Promise<IdxFile | undefined> {
  return (await read(join(folder, name))) ?? (await read(join(folder, `${name}.gz`)));
}

async function read(path: string): Promise<IdxFile | undefined> {
  try {
    return { name: path, bytes: await readFile(path) };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new TrikdError('unavailable', `cannot read ${path}: ${code ?? String(cause)}`, { path }, { cause });
  }
}
