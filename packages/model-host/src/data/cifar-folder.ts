import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CIFAR_10,
  CIFAR_100,
  CIFAR_SHAPE,
  type CifarFormat,
  readRecords,
  recordBytes,
} from '@trikd/core/data/formats/cifar';
import { imageBytes, type LabelledImages, makeLabels } from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import type { StoredData } from '@trikd/core/spec/data-spec';
import { openRegular, type RegularFile, storedChunks } from './data-files.js';
import type { StoredImages } from './stored-images.js';

type CifarSpec = Extract<StoredData, { kind: 'cifar' }>;

interface CifarFiles {
  /** The folder in the official archive. */
  readonly folder: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
}

const TEN: CifarFiles = {
  folder: 'cifar-10-batches-bin',
  train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  test: ['test_batch.bin'],
};
const HUNDRED: CifarFiles = { folder: 'cifar-100-binary', train: ['train.bin'], test: ['test.bin'] };

interface Opened {
  readonly train: readonly RegularFile[];
  readonly test: readonly RegularFile[];
  close(): Promise<void>;
}

/**
 * Opens the binary files of CIFAR-10 or CIFAR-100, whichever the folder has, there or in the subfolder of the official archive.
 * @returns undefined when the folder has neither
 * @throws TrikdError 'invalid' for a file that is not one of whole records, 'not-found' when only some files are there
 */
export async function openCifarFolder(folder: string, { labels }: CifarSpec): Promise<StoredImages | undefined> {
  for (const [files, format] of [
    [TEN, CIFAR_10],
    [HUNDRED, CIFAR_100[labels ?? 'fine']],
  ] as const) {
    if (files === TEN && labels !== undefined) continue;
    for (const place of [folder, join(folder, files.folder)]) {
      const opened = await openAll(place, files);
      if (opened) return await stored(place, opened, format);
    }
  }
  return undefined;
}

/** Whether a folder has a first file of CIFAR, whatever it is, there or in the subfolder of the official archive. */
export async function isCifarFolder(folder: string): Promise<boolean> {
  const firsts = [TEN, HUNDRED].flatMap(({ folder: inside, train }) => [train[0]!, join(inside, train[0]!)]);
  const found = await Promise.all(firsts.map((path) => lstat(join(folder, path)).catch(() => undefined)));
  return found.some((stats) => stats !== undefined);
}

/** @returns undefined without the first file; the folder is one of other data then */
async function openAll(folder: string, files: CifarFiles): Promise<Opened | undefined> {
  const opened: RegularFile[] = [];
  const close = async () => {
    await Promise.all(opened.map(({ handle }) => handle.close()));
  };
  try {
    for (const name of [...files.train, ...files.test]) {
      const file = await openRegular(join(folder, name));
      if (file) opened.push(file);
      else if (opened.length === 0) return undefined;
      else throw new TrikdError('not-found', `there is no file ${join(folder, name)}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const { length } = files.train;
  return { train: opened.slice(0, length), test: opened.slice(length), close };
}

async function stored(name: string, { train, test, close }: Opened, format: CifarFormat): Promise<StoredImages> {
  try {
    const layout = { ...CIFAR_SHAPE, train: imagesIn(train, format), test: imagesIn(test, format) };
    return {
      layout,
      classes: format.classes,
      read: async () => ({
        ...{ name, ...CIFAR_SHAPE, classes: format.classes },
        train: await readAll(train, format, layout.train),
        test: await readAll(test, format, layout.test),
      }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function imagesIn(files: readonly RegularFile[], format: CifarFormat): number {
  const length = recordBytes(format);
  return files.reduce((sum, { path, bytes }) => {
    if (bytes > 0 && bytes % length === 0) return sum + bytes / length;
    const problem = `${path}: ${bytes} bytes are not a whole number of records of ${length}`;
    throw new TrikdError('invalid', problem, { path });
  }, 0);
}

async function readAll(files: readonly RegularFile[], format: CifarFormat, count: number): Promise<LabelledImages> {
  const images = new Uint8Array(count * imageBytes(CIFAR_SHAPE));
  const split = { count, images, labels: makeLabels(count, format.classes) };
  const length = recordBytes(format);
  let at = 0;
  for (const file of files) {
    let rest = Buffer.alloc(0);
    let read = 0;
    for await (const chunk of storedChunks(file)) {
      const bytes = Buffer.concat([rest, chunk]);
      const whole = Math.floor(bytes.length / length);
      readRecords(file.path, bytes.subarray(0, whole * length), format, split, at);
      rest = bytes.subarray(whole * length);
      at += whole;
      read += chunk.length;
    }
    if (read < file.bytes) throw new TrikdError('invalid', `${file.path}: found ${read} of ${file.bytes} bytes`);
  }
  return split;
}
