/** Images of one split with their labels, as stored: not normalised, not augmented. */
export interface LabelledImages {
  readonly count: number;
  /** count x height x width x channels, row-major, 0..255. */
  readonly images: Uint8Array;
  /** count class indices, 0 .. classes-1. */
  readonly labels: Uint8Array | Uint16Array;
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
  /** Training and validation images are drawn from these. */
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

/** Bytes of one image. */
export function imageBytes(shape: ImageShape): number {
  return shape.height * shape.width * shape.channels;
}
