import type { AugmentSpec } from '../spec/augment-spec.js';
import { writeAugmented } from './augmented-image.js';
import { imageBytes } from './image-source.js';
import { gridOf, pictureSheet, type Sheet } from './picture-sheet.js';
import type { Dataset } from './split.js';

/** Training images as the models see them in the first epoch: a row for each of the first classes, with the first images of the class. */
export function contactSheet(dataset: Dataset, augment: AugmentSpec, seed: number): Sheet {
  const { rows, columns } = gridOf(dataset);
  const images = rowsOf(dataset, rows, columns).map((samples) =>
    samples.map((sample) => {
      const pixels = new Uint8Array(imageBytes(dataset));
      writeAugmented(dataset, augment, { seed, generation: 0, epoch: 0, sample }, pixels);
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
