import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { IDX_PARTS, type IdxLayout, type IdxPart, idxLabels, idxLayout } from '@trikd/core/data/idx';
import type { Labels } from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import { type IdxFile, openIdx } from './idx-file.js';

/** The four files of a dataset under the names that MNIST introduced, whatever rank and type they have; each may end in `.gz`. */
export const IDX_NAMES: Readonly<Record<IdxPart, string>> = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
};

/** A dataset of which only the headers are read. */
export interface IdxFolder {
  readonly layout: IdxLayout;
  /** Reads one part. Allocates what the layout says, so check that first. */
  content(part: IdxPart): Promise<Uint8Array>;
  /** Reads labels. @throws TrikdError 'invalid' for one that is no class index */
  labels(part: IdxPart): Promise<Labels>;
  close(): Promise<void>;
}

/** The first folder that contains all four files, whatever they are, without reading them; undefined if none does. */
export async function idxFolderAmong(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const paths = await Promise.all(IDX_PARTS.map((part) => pathIn(folder, part)));
    if (paths.every((path) => path !== undefined)) return folder;
  }
  return undefined;
}

/** Opens the files of a folder. @throws TrikdError 'invalid' and 'unavailable' as `openIdx`, 'not-found' when one is missing */
export async function openIdxFolder(folder: string): Promise<IdxFolder> {
  const files = new Map<IdxPart, IdxFile>();
  const close = async () => {
    await Promise.all([...files.values()].map((file) => file.close()));
  };
  const opened = async (part: IdxPart): Promise<IdxFile> => {
    const path = await pathIn(folder, part);
    const file = path === undefined ? undefined : await openIdx(part, path);
    if (!file) throw new TrikdError('not-found', `there is no file ${join(folder, IDX_NAMES[part])}, plain or .gz`);
    files.set(part, file);
    return file;
  };
  try {
    const layout = idxLayout({
      trainImages: (await opened('trainImages')).header,
      trainLabels: (await opened('trainLabels')).header,
      testImages: (await opened('testImages')).header,
      testLabels: (await opened('testLabels')).header,
    });
    const content = (part: IdxPart) => files.get(part)!.content();
    return { layout, content, labels: async (part) => idxLabels(files.get(part)!.header, await content(part)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function pathIn(folder: string, part: IdxPart): Promise<string | undefined> {
  for (const ending of ['', '.gz']) {
    const path = join(folder, IDX_NAMES[part] + ending);
    const there = await lstat(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return undefined;
}
