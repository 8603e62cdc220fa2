import { gunzipSync } from 'node:zlib';
import { TrikdError } from '../domain/errors.js';
import { type ImageShape, type ImageSource, imageBytes, type LabelledImages } from './image-source.js';

/** One IDX file, plain or gzip, with its name for messages. */
export interface IdxFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The four files of a dataset in the layout of MNIST. */
export interface IdxFiles {
  readonly trainImages: IdxFile;
  readonly trainLabels: IdxFile;
  readonly testImages: IdxFile;
  readonly testLabels: IdxFile;
}

interface IdxTensor {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
/** Far above any dataset of this format, and low enough that a hostile gzip file cannot fill the memory. */
const MAX_INFLATED_BYTES = 4 * 1024 ** 3;

/**
 * Reads a dataset in the format of http://yann.lecun.com/exdb/mnist: images of rank 3 (grey) or 4 (channels last),
 * labels of rank 1, all unsigned bytes. The number of classes is the largest label plus one.
 * @throws TrikdError 'invalid' with the file and the numbers, for anything else
 */
export function idxSource(name: string, files: IdxFiles): ImageSource {
  const train = readSplit(files.trainImages, files.trainLabels);
  const test = readSplit(files.testImages, files.testLabels);
  if (describe(train.shape) !== describe(test.shape)) {
    throw unusable(
      files.testImages,
      `images are ${describe(test.shape)}, those of ${files.trainImages.name} ${describe(train.shape)}`,
    );
  }
  return {
    name,
    ...train.shape,
    classes: 1 + largest(train.split.labels, largest(test.split.labels, 0)),
    train: train.split,
    test: test.split,
  };
}

function readSplit(imageFile: IdxFile, labelFile: IdxFile): { shape: ImageShape; split: LabelledImages } {
  const images = parseIdx(imageFile);
  const [count = 0, height = 0, width = 0, channels = 1] = images.shape;
  const shape = { height, width, channels };
  if (images.shape.length !== 3 && images.shape.length !== 4) {
    throw unusable(imageFile, `expected images of 3 or 4 dimensions, found ${images.shape.length}`);
  }
  if (imageBytes(shape) === 0) throw unusable(imageFile, `images of ${describe(shape)} have no pixels`);
  const labels = parseIdx(labelFile);
  if (labels.shape.length !== 1) {
    throw unusable(labelFile, `expected labels of 1 dimension, found ${labels.shape.length}`);
  }
  if (labels.shape[0] !== count) {
    throw unusable(labelFile, `${labels.shape[0]} labels for the ${count} images of ${imageFile.name}`);
  }
  return { shape, split: { count, images: images.data, labels: labels.data } };
}

function parseIdx(file: IdxFile): IdxTensor {
  const bytes = inflate(file);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) {
    throw unusable(file, `expected an IDX magic number, found ${hex(bytes.subarray(0, 4))}`);
  }
  if (bytes[2] !== UNSIGNED_BYTE) {
    throw unusable(file, `expected elements of type 0x08 (unsigned byte), found 0x${hex(bytes.subarray(2, 3))}`);
  }
  const rank = bytes[3]!;
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    throw unusable(file, `${bytes.length} bytes cannot hold a header of ${rank} dimensions (${header} bytes)`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = header + shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== expected) {
    throw unusable(file, `shape ${shape.join('x')} needs ${expected} bytes with its header, found ${bytes.length}`);
  }
  return { shape, data: bytes.subarray(header) };
}

function inflate(file: IdxFile): Uint8Array {
  if (file.bytes[0] !== 0x1f || file.bytes[1] !== 0x8b) return file.bytes;
  try {
    return gunzipSync(file.bytes, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unusable(file, `gzip of ${file.bytes.length} bytes does not unpack: ${reason}`, { cause });
  }
}

function largest(labels: Uint8Array, atLeast: number): number {
  return labels.reduce((max, label) => Math.max(max, label), atLeast);
}

function describe(shape: ImageShape): string {
  return `${shape.height}x${shape.width}x${shape.channels}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Not 'corrupt': an older checkpoint would not help. */
function unusable(file: IdxFile, problem: string, options?: ErrorOptions): TrikdError {
  return new TrikdError('invalid', `${file.name}: ${problem}`, { file: file.name }, options);
}
