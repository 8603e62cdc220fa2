import { type ImageShape, imageBytes, type LabelledImages } from '@trikd/core/data/image-source';
import { gridOf, pictureOf, pictureSheet, type Sheet } from '@trikd/core/data/picture-sheet';
import type { TaskDetails } from '@trikd/core/tasks/task-details';
import { encodePng } from '@trikd/model-host/data/images/encode-png';

/** The pixels of an image of a split. */
function pixelsOf(shape: ImageShape, { images }: LabelledImages, index: number): Uint8Array {
  const size = imageBytes(shape);
  return images.subarray(index * size, (index + 1) * size);
}

/** An image of a split as the URL of a PNG file. */
export function pictureUrl(shape: ImageShape, split: LabelledImages, index: number): string {
  return `data:image/png;base64,${encodePng(pictureOf(shape, pixelsOf(shape, split, index))).toString('base64')}`;
}

/**
 * The images that a model errs most on: a row for each class that has some, with the worst of its images; or the hardest pairs, each on two
 * neighbouring places, those of one identity in the first row.
 */
export function worstSheet(shape: ImageShape, split: LabelledImages, details: TaskDetails): Sheet {
  const rows = details.kind === 'classes' ? byClass(details.worst) : byKind(details.worst, gridOf(shape).columns);
  return pictureSheet(
    shape,
    rows.map((row) => row.map((index) => pixelsOf(shape, split, index))),
  );
}

type Worst<Kind extends TaskDetails['kind']> = Extract<TaskDetails, { readonly kind: Kind }>['worst'];

function byClass(worst: Worst<'classes'>): readonly (readonly number[])[] {
  const rows = new Map<number, number[]>();
  for (const { label, index } of worst) rows.set(label, [...(rows.get(label) ?? []), index]);
  return [...rows].sort(([a], [b]) => a - b).map(([, indices]) => indices);
}

function byKind(worst: Worst<'pairs'>, columns: number): readonly (readonly number[])[] {
  const most = Math.max(1, Math.floor(columns / 2));
  return [true, false].map((isSame) =>
    worst
      .filter(({ same }) => same === isSame)
      .slice(0, most)
      .flatMap(({ left, right }) => [left, right]),
  );
}
