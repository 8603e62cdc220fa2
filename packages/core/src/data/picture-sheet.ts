import type { AugmentSpec } from '../spec/data-spec.js';
import { writeAugmented } from './augmented-image.js';
import { type ImageShape, imageBytes } from './image-source.js';
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

/** How many images of a shape a sheet has, at most, and how often each of their pixels is repeated along an axis. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly scale: number;
}

export function gridOf({ height, width }: ImageShape): Grid {
  const scale = Math.max(1, Math.floor(CELL / Math.max(height, width)));
  const fit = (side: number, most: number) => Math.min(most, Math.max(1, Math.floor(SIDE / (side * scale + GAP))));
  return { rows: fit(height, MOST_ROWS), columns: fit(width, MOST_COLUMNS), scale };
}

/**
 * Images beside and below each other, on white. Rows and columns beyond the grid of the shape are left out. Images of one channel are
 * grey; of more than three, the first three are shown.
 */
export function pictureSheet(shape: ImageShape, images: readonly (readonly Uint8Array[])[]): Sheet {
  const grid = gridOf(shape);
  const { scale } = grid;
  const cell = { height: shape.height * scale + GAP, width: shape.width * scale + GAP };
  const rows = images.slice(0, grid.rows);
  const sheet = { height: rows.length * cell.height + GAP, width: grid.columns * cell.width + GAP };
  const rgb = new Uint8Array(3 * sheet.height * sheet.width).fill(255);
  for (const [row, pictures] of rows.entries()) {
    for (const [column, pixels] of pictures.slice(0, grid.columns).entries()) {
      const { rgb: own } = pictureOf(shape, pixels);
      for (let y = 0; y < shape.height * scale; y++) {
        for (let x = 0; x < shape.width * scale; x++) {
          const from = 3 * (Math.floor(y / scale) * shape.width + Math.floor(x / scale));
          const to = 3 * ((row * cell.height + GAP + y) * sheet.width + column * cell.width + GAP + x);
          for (let colour = 0; colour < 3; colour++) rgb[to + colour] = own[from + colour]!;
        }
      }
    }
  }
  return { ...sheet, rgb };
}

/** One image as a picture. */
export function pictureOf({ height, width, channels }: ImageShape, pixels: Uint8Array): Sheet {
  const rgb = new Uint8Array(3 * height * width);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      rgb[3 * pixel + colour] = pixels[pixel * channels + (channels < 3 ? 0 : colour)]!;
    }
  }
  return { height, width, rgb };
}

/** Training images as the models see them in the first epoch: a row for each of the first classes, with the first images of the class. */
export function contactSheet(dataset: Dataset, augment: AugmentSpec, seed: number): Sheet {
  const { rows, columns } = gridOf(dataset);
  const images = rowsOf(dataset, rows, columns).map((samples) =>
    samples.map((sample) => {
      const pixels = new Uint8Array(imageBytes(dataset));
      writeAugmented(dataset, augment, { seed, stage: 0, epoch: 0, sample }, pixels);
      return pixels;
    }),
  );
  return pictureSheet(dataset, images);
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
