import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  allPixels,
  type ImageShape,
  type ImageSource,
  type LabelledImages,
  type Labels,
} from '@trikd/core/data/image-source';
import { IDX_NAMES } from './idx-folder.js';
import { orUnwritable } from './or-unwritable.js';

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
