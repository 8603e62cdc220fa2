import { z } from 'zod';
import { TrikdError } from '../domain/errors.js';
import { Size, WIDEST } from '../spec/fields.js';
import { plainIssue } from '../spec/plain-issue.js';
import { type ImageShape, imageBytes, type LabelledImages, makeLabels } from './image-source.js';

/** What a function of a module gets. */
export interface DataRequest {
  readonly settings: Readonly<Record<string, unknown>>;
  /** Reads a file of this machine. @param path absolute: processes of a run have folders of their own */
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

/** Characters of the name of a class. */
const LONGEST_NAME = 255;

const Images = z.strictObject({
  images: z.instanceof(Uint8Array),
  labels: z.union([z.instanceof(Uint8Array), z.instanceof(Uint16Array), z.instanceof(Int32Array), z.array(z.int())]),
});

const Returned = z.strictObject({
  ...{ height: Size, width: Size, channels: Size },
  classes: z.int().min(2).max(WIDEST).optional(),
  classNames: z.array(z.string().max(LONGEST_NAME)).min(2).max(WIDEST).optional(),
  train: Images,
  test: Images.optional(),
});

/** What a function of a module returned, checked. */
export interface ModuleSource extends ImageShape {
  readonly name: string;
  readonly classes: number;
  readonly classNames?: readonly string[];
  readonly train: LabelledImages;
  readonly test?: LabelledImages;
}

/**
 * Checks what a function returned: `height`, `width`, `channels`, `train` and perhaps `test`, each with `images`, a Uint8Array of all
 * pixels, and `labels`. The number of classes is `classes`, or follows from `classNames` or from the labels.
 * @param name of the module, for messages
 * @throws TrikdError 'invalid' with what is wrong
 */
export function moduleSource(name: string, returned: unknown): ModuleSource {
  const refused = (problem: string) => new TrikdError('invalid', `the data of ${name} ${problem}`, { module: name });
  const result = Returned.safeParse(returned, { error: plainIssue });
  if (!result.success) {
    const issues = result.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
    throw refused(`cannot be used: ${issues.slice(0, MOST_ISSUES).join('; ')}`);
  }
  const { height, width, channels, classNames, train, test } = result.data;
  const shape = { height, width, channels };
  const classes = result.data.classes ?? classNames?.length ?? classesIn(train.labels, test?.labels ?? []);
  if (classes < 2) throw refused('have one class alone');
  if (classes > WIDEST) throw refused(`have ${classes} classes: at most ${WIDEST} are told apart`);
  if (classNames && classNames.length !== classes) {
    throw refused(`have ${classes} classes, and ${classNames.length} names of classes`);
  }
  const checked = (split: 'train' | 'test', { images, labels }: z.infer<typeof Images>): LabelledImages => {
    const expected = labels.length * imageBytes(shape);
    if (labels.length === 0) throw refused(`have no images in ${split}`);
    if (images.length !== expected) {
      const sizes = `${labels.length} x ${height} x ${width} x ${channels}`;
      throw refused(`have ${images.length} bytes of pixels in ${split}, expected ${expected}: ${sizes}`);
    }
    const wrong = labels.findIndex((label: number) => label < 0 || label >= classes);
    if (wrong >= 0) throw refused(`have the label ${labels[wrong]} in ${split}: labels are 0 to ${classes - 1}`);
    const known = makeLabels(labels.length, classes);
    known.set(labels);
    return { count: labels.length, images, labels: known };
  };
  return {
    ...{ name, ...shape, classes, ...(classNames && { classNames }) },
    train: checked('train', train),
    ...(test && { test: checked('test', test) }),
  };
}

/** Problems that a message lists. */
const MOST_ISSUES = 8;

function classesIn(...labels: readonly ArrayLike<number>[]): number {
  let most = 0;
  for (const list of labels) for (let i = 0; i < list.length; i++) most = Math.max(most, list[i]!);
  return most + 1;
}
