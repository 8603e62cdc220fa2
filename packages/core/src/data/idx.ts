import { TrikdError } from '../domain/errors.js';
import { type ImageShape, type ImageSource, imageBytes } from './image-source.js';

/** The parts of a dataset in the layout of MNIST, one file each. */
export const IDX_PARTS = ['trainImages', 'trainLabels', 'testImages', 'testLabels'] as const;
export type IdxPart = (typeof IDX_PARTS)[number];

/** What an IDX file says of its content. */
export interface IdxHeader {
  /** The file, for messages. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Where the content starts, in bytes. */
  readonly start: number;
  /** Bytes of the content. */
  readonly length: number;
}

export type IdxHeaders = Readonly<Record<IdxPart, IdxHeader>>;

/** The contents of the files. */
export type IdxContents = Readonly<Record<IdxPart, Uint8Array>>;

/** The images that the headers of a dataset announce. */
export interface IdxLayout extends ImageShape {
  readonly train: number;
  readonly test: number;
}

const UNSIGNED_BYTE = 0x08;
const IMAGES = [3, 4];
const LABELS = [1];

/** Bytes of the longest header: that of images with channels. */
export const LONGEST_HEADER = 4 + 4 * Math.max(...IMAGES);

/**
 * Reads the header of a file in the format of http://yann.lecun.com/exdb/mnist: images of rank 3 (grey) or 4 (channels last), labels of
 * rank 1, all unsigned bytes. Errors quote no content: the file may be any other.
 * @param bytes the first LONGEST_HEADER bytes of the file, or all of a shorter one
 * @throws TrikdError 'invalid' with the file and the numbers, for anything else
 */
export function readIdxHeader(part: IdxPart, name: string, bytes: Uint8Array): IdxHeader {
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== UNSIGNED_BYTE) {
    throw unusable(name, 'expected an IDX file of unsigned bytes, which starts with 00 00 08');
  }
  const rank = bytes[3]!;
  const [what, ranks] = part.endsWith('Images') ? (['images', IMAGES] as const) : (['labels', LABELS] as const);
  if (!ranks.includes(rank)) {
    const one = ranks.length === 1 ? 'dimension' : 'dimensions';
    throw unusable(name, `expected ${what} of ${ranks.join(' or ')} ${one}, found ${rank}`);
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    throw unusable(name, `${bytes.length} bytes cannot hold a header of ${rank} dimensions (${start} bytes)`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  return { name, shape, start, length: shape.reduce((product, size) => product * size, 1) };
}

/** The error of a file whose length is not the one in its header. @param found bytes, header included */
export function wrongLength({ name, shape, start, length }: IdxHeader, found: number | string): TrikdError {
  return unusable(name, `shape ${shape.join('x')} needs ${start + length} bytes with its header, found ${found}`);
}

/** @throws TrikdError 'invalid' when the headers contradict each other, with the file and the numbers */
export function idxLayout(headers: IdxHeaders): IdxLayout {
  const train = imagesIn(headers.trainImages, headers.trainLabels);
  const test = imagesIn(headers.testImages, headers.testLabels);
  const { height, width, channels, count } = train;
  if (describe(train) === describe(test)) return { height, width, channels, train: count, test: test.count };
  const problem = `images are ${describe(test)}, those of ${headers.trainImages.name} ${describe(train)}`;
  throw unusable(headers.testImages.name, problem);
}

function imagesIn(images: IdxHeader, labels: IdxHeader): ImageShape & { readonly count: number } {
  const [count = 0, height = 0, width = 0, channels = 1] = images.shape;
  const shape = { count, height, width, channels };
  if (imageBytes(shape) === 0) throw unusable(images.name, `images of ${describe(shape)} have no pixels`);
  if (labels.shape[0] === count) return shape;
  throw unusable(labels.name, `${labels.shape[0]} labels for the ${count} images of ${images.name}`);
}

/** One more than the largest label. */
export function classesIn(...labels: readonly Uint8Array[]): number {
  return 1 + labels.reduce((most, each) => each.reduce((max, label) => Math.max(max, label), most), 0);
}

/** @param name of the dataset, for messages */
export function idxSource(name: string, layout: IdxLayout, contents: IdxContents): ImageSource {
  const { height, width, channels } = layout;
  const { trainImages, trainLabels, testImages, testLabels } = contents;
  return {
    ...{ name, height, width, channels, classes: classesIn(trainLabels, testLabels) },
    train: { count: layout.train, images: trainImages, labels: trainLabels },
    test: { count: layout.test, images: testImages, labels: testLabels },
  };
}

function describe(shape: ImageShape): string {
  return `${shape.height}x${shape.width}x${shape.channels}`;
}

/** Not 'corrupt': an older checkpoint would not help. */
function unusable(name: string, problem: string): TrikdError {
  return new TrikdError('invalid', `${name}: ${problem}`, { file: name });
}
