import type { ImageSource, LabelledImages } from '@trikd/core/data/image-source';
import type { Dataset } from '@trikd/core/data/split';
import Table from 'cli-table3';

/** The images of one split. */
interface InspectedSplit {
  readonly images: number;
  /** Of the smallest and of the largest class in it. */
  readonly leastOfClass: number;
  readonly mostOfClass: number;
  /** Pairs that the data compare. */
  readonly pairs?: number;
}

interface InspectedClass {
  readonly label: number;
  /** Where the files name it. */
  readonly name?: string;
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** What `trikd data inspect` prints. */
export interface Inspected {
  readonly data: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
  readonly train: InspectedSplit;
  readonly validation: InspectedSplit;
  readonly test: InspectedSplit;
  /** What a run normalises pixels with, from 0 to 1: of each channel of the training images, unless the spec names other statistics. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** SHA-256 of the training split. */
  readonly digest: string;
  readonly images: readonly InspectedClass[];
}

/** Classes that the table shows. */
const MOST_ROWS = 40;

/** @param names of the classes; those of a split by identity have other labels than the files */
export function inspectedOf(
  { name, classNames }: Pick<ImageSource, 'name' | 'classNames'>,
  dataset: Dataset,
): Inspected {
  const { height, width, channels, classes, train, validation, test, mean, std, digest } = dataset;
  const counts = [train, validation, test].map((split) => countsOf(split));
  const labels = [...new Set(counts.flatMap((each) => [...each.keys()]))].sort((a, b) => a - b);
  const [inTrain, inValidation, inTest] = counts as [Counts, Counts, Counts];
  const images = labels.map((label) => ({
    label,
    ...(classNames?.[label] !== undefined && { name: classNames[label] }),
    train: inTrain.get(label) ?? 0,
    validation: inValidation.get(label) ?? 0,
    test: inTest.get(label) ?? 0,
  }));
  return {
    ...{ data: name, height, width, channels, classes },
    train: splitOf(train, inTrain),
    validation: splitOf(validation, inValidation),
    test: splitOf(test, inTest),
    ...{ mean, std, digest, images },
  };
}

type Counts = ReadonlyMap<number, number>;

function countsOf({ labels }: LabelledImages): Counts {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function splitOf({ count, pairs }: LabelledImages, counts: Counts): InspectedSplit {
  const sizes = [...counts.values()].sort((a, b) => a - b);
  const compared = pairs && { pairs: pairs.left.length };
  return { images: count, leastOfClass: sizes[0] ?? 0, mostOfClass: sizes.at(-1) ?? 0, ...compared };
}

/** The result as text: a line about the images, the statistics, and a table of the classes. */
export function inspectedText(found: Inspected): string {
  const { data, height, width, channels, classes, train, validation, test, images } = found;
  const colour = channels === 1 ? '1 channel' : `${channels} channels`;
  const sizes = `${train.images} training, ${validation.images} validation and ${test.images} test images`;
  const numbers = (values: readonly number[]) => values.map((value) => value.toFixed(4)).join(', ');
  const table = new Table({
    head: ['label', ...(images.some(({ name }) => name !== undefined) ? ['class'] : []), 'train', 'validation', 'test'],
    style: { head: [], border: [], compact: true },
  });
  for (const { label, name, ...counts } of images.slice(0, MOST_ROWS)) {
    const named = images.some((each) => each.name !== undefined) ? [name ?? ''] : [];
    table.push([String(label), ...named, String(counts.train), String(counts.validation), String(counts.test)]);
  }
  return [
    `${data}: ${sizes} of ${classes} classes, ${height}x${width} with ${colour}`,
    `mean ${numbers(found.mean)}; standard deviation ${numbers(found.std)}; pixels from 0 to 1`,
    ...(test.pairs === undefined ? [] : [`${test.pairs} pairs of test images are compared`]),
    `a class has ${train.leastOfClass} to ${train.mostOfClass} training images`,
    table.toString(),
    ...(images.length > MOST_ROWS ? [`and ${images.length - MOST_ROWS} more; -o json has all`] : []),
  ].join('\n');
}
