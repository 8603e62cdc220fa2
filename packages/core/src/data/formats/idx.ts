import { TrikdError } from '../../domain/errors.js';
import { type ImageShape, type ImageSource, imageBytes, type Labels, makeLabels } from '../image-source.js';

/** The parts of a dataset in the layout of MNIST, one file each. */
export const IDX_PARTS = ['trainImages', 'trainLabels', 'testImages', 'testLabels'] as const;
export type IdxPart = (typeof IDX_PARTS)[number];

/** What an IDX file says of its content. */
export interface IdxHeader {
  /** The file, for messages. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Bytes of one element: 1, and up to 4 for labels. */
  readonly elementBytes: number;
  /** Where the content starts, in bytes. */
  readonly start: number;
  /** Bytes of the content. */
  readonly length: number;
}

export type IdxHeaders = Readonly<Record<IdxPart, IdxHeader>>;

/** The contents of the files. */
export interface IdxContents {
  readonly trainImages: Uint8Array;
  readonly trainLabels: Labels;
  readonly testImages: Uint8Array;
  readonly testLabels: Labels;
}

/** The images that the headers of a dataset announce. */
export interface IdxLayout extends ImageShape {
  readonly train: number;
  readonly test: number;
}

const UNSIGNED_BYTE = 0x08;
/** Bytes of one element, by the type's number in a header: unsigned byte, and signed integers in big-endian order. */
const ELEMENT_BYTES = new Map([
  [UNSIGNED_BYTE, 1],
  [0x0b, 2],
  [0x0c, 4],
]);
const IMAGES = [3, 4];
const LABELS = [1];

/** The largest class index. */
const LARGEST_LABEL = 0xffff;

/** Bytes of the longest header: that of images with channels. */
export const LONGEST_HEADER = 4 + 4 * Math.max(...IMAGES);

/**
 * Reads the header of a file in the format of http://yann.lecun.com/exdb/mnist: images of rank 3 (grey) or 4 (channels last) are
 * unsigned bytes, labels of rank 1 bytes or, for more than 256 classes, integers of 2 or 4 bytes. Errors quote no content: the file may be any other.
 * @param bytes the first LONGEST_HEADER bytes of the file, or all of a shorter one
 * @throws TrikdError 'invalid' with the file and the numbers, for anything else
 */
export function readIdxHeader(part: IdxPart, name: string, bytes: Uint8Array): IdxHeader {
  const [what, ranks] = part.endsWith('Images') ? (['images', IMAGES] as const) : (['labels', LABELS] as const);
  const elementBytes = elementBytesOf(what, bytes);
  if (elementBytes === undefined) throw unusable(name, EXPECTED[what]);
  const rank = bytes[3]!;
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
  return { name, shape, elementBytes, start, length: shape.reduce((product, size) => product * size, elementBytes) };
}

const EXPECTED = {
  images: 'expected an IDX file of unsigned bytes, which starts with 00 00 08',
  labels: 'expected an IDX file of bytes or integers, which starts with 00 00 08, 00 00 0b or 00 00 0c',
};

function elementBytesOf(what: 'images' | 'labels', bytes: Uint8Array): number | undefined {
  const [first, second, type = 0] = bytes;
  if (bytes.length < 4 || first !== 0 || second !== 0) return undefined;
  return what === 'labels' || type === UNSIGNED_BYTE ? ELEMENT_BYTES.get(type) : undefined;
}

/** The labels in the content of a file. @throws TrikdError 'invalid' with the first that is not from 0 to 65,535 */
export function idxLabels({ name, elementBytes }: IdxHeader, content: Uint8Array): Labels {
  if (elementBytes === 1) return content;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const labels = makeLabels(content.length / elementBytes, LARGEST_LABEL);
  for (let index = 0; index < labels.length; index++) {
    const label = elementBytes === 2 ? view.getInt16(2 * index) : view.getInt32(4 * index);
    if (label < 0 || label > LARGEST_LABEL) {
      throw unusable(name, `label ${label} of image ${index} is not from 0 to ${LARGEST_LABEL}`);
    }
    labels[index] = label;
  }
  return labels;
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
export function classesIn(...labels: readonly Labels[]): number {
  let largest = 0;
  for (const each of labels) for (const label of each) largest = Math.max(largest, label);
  return 1 + largest;
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
