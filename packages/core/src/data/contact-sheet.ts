import type { AugmentSpec } from '../spec/augment-spec.js';
import { writeAugmented } from './augmented-image.js';
import { imageBytes } from './image-source.js';
import type { Dataset } from './split.js';

/** A picture in colour. */
export interface Sheet {
  readonly height: number;
  readonly width: number;
  /** height x width x 3 */
  readonly rgb: Uint8Array;
}

/** Rows and columns of a sheet, at most. */
const MOST_ROWS = 16;
const MOST_COLUMNS = 12;
/** Pixels of a sheet along each axis, about; small images are enlarged to the side of a cell. */
const SIDE = 2048;
const CELL = 64;
/** White pixels between two images. */
const GAP = 2;

/**
 * Training images as the models see them in the first epoch: a row for each of the first classes, with the first images of the class.
 * Images of one channel are grey; of more than three, the first three are shown.
 */
export function contactSheet(dataset: Dataset, augment: AugmentSpec, seed: number): Sheet {
  const { height, width, channels } = dataset;
  const scale = Math.max(1, Math.floor(CELL / Math.max(height, width)));
  const cell = { height: height * scale + GAP, width: width * scale + GAP };
  const columns = Math.min(MOST_COLUMNS, Math.max(1, Math.floor(SIDE / cell.width)));
  const rows = rowsOf(dataset, Math.min(MOST_ROWS, Math.max(1, Math.floor(SIDE / cell.height))), columns);
  const sheet = { height: rows.length * cell.height + GAP, width: columns * cell.width + GAP };
  const rgb = new Uint8Array(3 * sheet.height * sheet.width).fill(255);
  const size = imageBytes(dataset);
  const output = new Uint8Array(size);
  for (const [row, samples] of rows.entries()) {
    for (const [column, sample] of samples.entries()) {
      writeAugmented(dataset, augment, { seed, generation: 0, epoch: 0, sample }, output);
      for (let y = 0; y < height * scale; y++) {
        for (let x = 0; x < width * scale; x++) {
          const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
          const to = 3 * ((row * cell.height + GAP + y) * sheet.width + column * cell.width + GAP + x);
          for (let colour = 0; colour < 3; colour++) rgb[to + colour] = output[from + (channels < 3 ? 0 : colour)]!;
        }
      }
    }
  }
  return { ...sheet, rgb };
}

/** The first images of each of the first classes. */
function rowsOf({ train, classes }: Dataset, most: number, columns: number): readonly (readonly number[])[] {
  const rows: number[][] = Array.from({ length: Math.min(classes, most) }, () => []);
  for (let sample = 0; sample < train.count; sample++) {
    const row = rows[train.labels[sample]!];
    if (row && row.length < columns) row.push(sample);
  }
  return rows;
}
