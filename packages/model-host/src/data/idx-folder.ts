import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  IDX_PARTS,
  type IdxHeader,
  type IdxLayout,
  type IdxPart,
  idxLabels,
  idxLayout,
  LONGEST_HEADER,
  readIdxHeader,
  wrongLength,
} from '@trikd/core/data/formats/idx';
import {
  allPixels,
  type ImageShape,
  type ImageSource,
  type LabelledImages,
  type Labels,
} from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import { isGzip, mostInflation, openRegular, orUnwritable, type RegularFile, unpackedChunks } from './data-files.js';

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

/** An IDX file of which only the header is read. */
interface IdxFile {
  readonly header: IdxHeader;
  /**
   * Reads the content. Allocates what the header announces, so check that first.
   * @throws TrikdError 'invalid' when the file has less or more
   */
  content(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a file, plain or gzip, and compares its header with its length.
 * @returns undefined when there is no such file
 * @throws TrikdError 'invalid' with the file and the numbers, 'unavailable' for one that cannot be read
 */
async function openIdx(part: IdxPart, path: string): Promise<IdxFile | undefined> {
  const file = await openRegular(path);
  if (!file) return undefined;
  try {
    const gzip = await isGzip(file);
    const header = readIdxHeader(part, path, await beginning(file, gzip));
    const problem = lengthProblem(header, file.bytes, gzip);
    if (problem) throw problem;
    return {
      header,
      content: () => contentOf(file, gzip, header),
      close: () => file.handle.close(),
    };
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}

function lengthProblem(header: IdxHeader, bytes: number, gzip: boolean): TrikdError | undefined {
  const needed = header.start + header.length;
  if (!gzip) return needed === bytes ? undefined : wrongLength(header, bytes);
  const most = mostInflation(needed);
  if (needed <= most * bytes) return undefined;
  const found = `a gzip file of ${bytes} bytes, which is less than a ${most}th of it`;
  return wrongLength(header, found);
}

async function beginning(file: RegularFile, gzip: boolean): Promise<Uint8Array> {
  const start = Buffer.alloc(LONGEST_HEADER);
  let filled = 0;
  for await (const chunk of unpackedChunks(file, gzip)) {
    filled += chunk.copy(start, filled);
    if (filled === start.length) break;
  }
  return start.subarray(0, filled);
}

async function contentOf(file: RegularFile, gzip: boolean, header: IdxHeader) {
  const content = new Uint8Array(header.length);
  let at = -header.start;
  for await (const chunk of unpackedChunks(file, gzip)) {
    if (at + chunk.length > content.length) throw wrongLength(header, 'more');
    content.set(chunk.subarray(Math.max(0, -at)), Math.max(0, at));
    at += chunk.length;
  }
  if (at < content.length) throw wrongLength(header, at + header.start);
  return content;
}

/** Types of elements in IDX files: unsigned bytes, and signed integers of 4 bytes in big-endian order. */
const BYTES = 0x08;
const INTEGERS = 0x0c;

/**
 * Writes a dataset as the four IDX files, plain, and the names of its classes, if it has any, as `classes.txt`, one a line.
 * @returns the paths
 * @throws TrikdError 'unavailable' if a file cannot be written, or is there already
 */
export async function writeIdx(folder: string, source: ImageSource): Promise<readonly string[]> {
  const files: readonly (readonly [string, readonly Uint8Array[]])[] = [
    [IDX_NAMES.trainImages, imagesFile(source, source.train)],
    [IDX_NAMES.trainLabels, labelsFile(source.train.labels)],
    [IDX_NAMES.testImages, imagesFile(source, source.test)],
    [IDX_NAMES.testLabels, labelsFile(source.test.labels)],
    ...(source.classNames ? [['classes.txt', [Buffer.from(`${source.classNames.join('\n')}\n`)]] as const] : []),
  ];
  const paths: string[] = [];
  await orUnwritable(folder, () => mkdir(folder, { recursive: true }));
  for (const [name, content] of files) {
    const path = join(folder, name);
    await orUnwritable(path, () => writeFile(path, content, { flag: 'wx' }));
    paths.push(path);
  }
  return paths;
}

function imagesFile({ height, width, channels }: ImageShape, split: LabelledImages): readonly Uint8Array[] {
  const { count } = split;
  const shape = channels === 1 ? [count, height, width] : [count, height, width, channels];
  return [header(BYTES, shape), allPixels(split)];
}

function labelsFile(labels: Labels): readonly Uint8Array[] {
  if (labels instanceof Uint8Array) return [header(BYTES, [labels.length]), labels];
  const content = Buffer.alloc(4 * labels.length);
  for (const [index, label] of labels.entries()) content.writeInt32BE(label, 4 * index);
  return [header(INTEGERS, [labels.length]), content];
}

function header(type: number, shape: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * shape.length);
  bytes.set([0, 0, type, shape.length]);
  for (const [axis, size] of shape.entries()) bytes.writeUInt32BE(size, 4 + 4 * axis);
  return bytes;
}
