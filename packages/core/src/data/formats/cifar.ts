import { TrikdError } from '../../domain/errors.js';
import type { LabelledImages } from '../image-source.js';

/** Pixels of one channel. */
const PLANE = 32 * 32;

/** Height, width and channels of all images of CIFAR. */
export const CIFAR_SHAPE = { height: 32, width: 32, channels: 3 };

/** The layout of the binary files: https://www.cs.toronto.edu/~kriz/cifar.html. A record is its labels, then red, green and blue. */
export interface CifarFormat {
  readonly classes: number;
  /** Bytes before the pixels. */
  readonly labels: number;
  /** Which of them is the label. */
  readonly label: number;
}

export const CIFAR_10: CifarFormat = { classes: 10, labels: 1, label: 0 };

/** CIFAR-100 has a coarse label, then a fine one. */
export const CIFAR_100 = {
  coarse: { classes: 20, labels: 2, label: 0 },
  fine: { classes: 100, labels: 2, label: 1 },
} satisfies Readonly<Record<string, CifarFormat>>;

/** Bytes of one image with its labels. */
export function recordBytes({ labels }: CifarFormat): number {
  return labels + 3 * PLANE;
}

/**
 * Images in the bytes of a file.
 * @param bytes whole records
 * @param at where the images go in `split`
 * @throws TrikdError 'invalid' with the file for a label that is none
 */
export function readRecords(
  name: string,
  bytes: Uint8Array,
  format: CifarFormat,
  split: LabelledImages,
  at: number,
): void {
  const { classes, labels, label } = format;
  const length = recordBytes(format);
  for (let record = 0; record * length < bytes.length; record++) {
    const start = record * length;
    const found = bytes[start + label]!;
    if (found >= classes) {
      const problem = `${name}: label ${found} is not from 0 to ${classes - 1}`;
      throw new TrikdError('invalid', problem, { file: name });
    }
    split.labels[at + record] = found;
    const image = split.images.subarray((at + record) * 3 * PLANE, (at + record + 1) * 3 * PLANE);
    for (let channel = 0; channel < 3; channel++) {
      const plane = start + labels + channel * PLANE;
      for (let pixel = 0; pixel < PLANE; pixel++) image[3 * pixel + channel] = bytes[plane + pixel]!;
    }
  }
}
