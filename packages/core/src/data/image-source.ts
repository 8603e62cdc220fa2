/** Class indices, 0 .. classes-1: bytes where they fit. */
export type Labels = Uint8Array | Uint16Array;

/**
 * Pixels of images of one size, one after the other, 0..255. A `Uint8Array` is one; others stay in files and are read where they are
 * wanted.
 */
export interface Pixels {
  /** In bytes. */
  readonly length: number;
  /** The bytes from `begin` to `end`, not to be changed. @throws TrikdError 'unavailable' if they cannot be read */
  subarray(begin: number, end: number): Uint8Array;
  /** Reads images, by their index, which will be wanted soon. Absent where this gains nothing. */
  readAhead?(images: Iterable<number>): void;
}

/** Images of one split with their labels, as stored: not normalised, not augmented. */
export interface LabelledImages {
  readonly count: number;
  /** count x height x width x channels, row-major, 0..255. */
  readonly images: Pixels;
  /** Of each image. */
  readonly labels: Labels;
  /** Which images are compared to verify identities, where the data say so. */
  readonly pairs?: ImagePairs;
}

/** Height, width and channels of every image of a source. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Where images come from. Every loader returns one of these, and nothing after it knows the file format. */
export interface ImageSource extends ImageShape {
  /** For messages: the folder, or how the images were made. */
  readonly name: string;
  readonly classes: number;
  /** Of each class, where the files name them. */
  readonly classNames?: readonly string[];
  /** Training and validation images are drawn from these. */
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

/** An array for labels of so many classes. */
export function makeLabels(count: number, classes: number): Labels {
  return classes > 256 ? new Uint16Array(count) : new Uint8Array(count);
}

/** Bytes of one image. */
export function imageBytes(shape: ImageShape): number {
  return shape.height * shape.width * shape.channels;
}

/** The pixels of a split in one array. Those of files are read. */
export function allPixels({ images }: LabelledImages): Uint8Array {
  return images.subarray(0, images.length);
}

/** Bytes of pixels that are in memory. */
export function bytesInMemory({ images }: LabelledImages): number {
  return images instanceof Uint8Array ? images.length : 0;
}

/** Pairs of images, each a question: is this the same identity? All arrays have one element for each pair. */
export interface ImagePairs {
  /** Indices of images in their split. */
  readonly left: Uint32Array;
  readonly right: Uint32Array;
  /** 1 when both images are of one identity, else 0. */
  readonly same: Uint8Array;
  /** 0 .. folds-1. */
  readonly fold: Uint8Array;
  readonly folds: number;
}

/** The same pairs, after the images of their split were put into another order. @param order the former index of each image */
export function reorderedPairs(pairs: ImagePairs, order: Uint32Array): ImagePairs {
  const places = new Uint32Array(order.length);
  for (const [place, index] of order.entries()) places[index] = place;
  const moved = (indices: Uint32Array) => indices.map((index) => places[index]!);
  return { ...pairs, left: moved(pairs.left), right: moved(pairs.right) };
}
