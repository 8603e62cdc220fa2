import { join, resolve } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import type { AdmissionLimits } from '@trikd/core/spec/admission';
import type { StoredData } from '@trikd/core/spec/data-spec';
import type { StoredImages } from '../stored-images.js';
import { inMemory, inScratchFile } from '../stored-images.js';
import {
  countOf,
  type ImageFolder,
  type ListingLimits,
  listImageFolder,
  type Problems,
  pairedImages,
  problemsOf,
} from './image-folder.js';
import type { Outline } from './image-outline.js';
import { imageOutline, readImages } from './read-images.js';

type ImagesSpec = Extract<StoredData, { kind: 'images' }>;

/** What is listed of a folder: no more than the limits, by which a folder of more is refused. */
export function listingLimits({ datasetImages, classes }: AdmissionLimits): ListingLimits {
  return { images: datasetImages, classes };
}

/**
 * Lists a folder of images, and the folder of test images where it is another one.
 * @param scratch folder for decoded images; absent: they are held in memory
 * @throws TrikdError 'not-found' without it, 'unavailable' for one that cannot be read, 'invalid' if it has too few classes
 */
export async function openImageFolder(
  folder: string,
  { size: [height, width], channels, split, testFolder, pairs: list }: ImagesSpec,
  limits: ListingLimits,
  scratch?: string,
): Promise<StoredImages> {
  const problems = problemsOf(folder);
  const tested = testFolder === undefined ? undefined : resolve(testFolder);
  const listed = await foundIn(folder, tested, limits, problems);
  const { classNames, train } = listed;
  const shape = { height, width, channels };
  assertUsable(folder, listed, split, problems);
  const testFiles = { folder: tested ?? folder, problems: tested === undefined ? problems : inside(tested, problems) };
  const paired =
    list === undefined ? undefined : await pairedImages(testFiles.folder, list, listed.test!, testFiles.problems);
  const test = paired?.test ?? listed.test;
  const makeHold = scratch === undefined ? inMemory : inScratchFile(scratch);
  return {
    layout: { ...shape, train: countOf(train), test: countOf(test), staysInFiles: scratch !== undefined },
    classes: classNames.length,
    read: async () => {
      const images = await readImages({ folder, problems }, train, classNames, shape, makeHold);
      const others = test && (await readImages(testFiles, test, classNames, shape, makeHold));
      problems.assertNone();
      const source = { name: folder, ...shape, classes: classNames.length, classNames, train: images };
      return others ? { ...source, test: { ...others, ...(paired && { pairs: paired.pairs }) } } : source;
    },
    close: async () => undefined,
  };
}

/** Problems of another folder, with whole paths. */
function inside(folder: string, problems: Problems): Pick<Problems, 'add'> {
  return { add: (file, problem) => problems.add(join(folder, file), problem) };
}

/**
 * The size of the first image of a folder, by name.
 * @returns undefined when there is none
 * @throws TrikdError 'invalid' with the file if it cannot be used
 */
export async function firstImageSize(folder: string, limits: ListingLimits): Promise<Outline | undefined> {
  const listed = await listImageFolder(folder, limits, problemsOf(folder));
  const first = listed?.train.find(({ files }) => files.length > 0);
  if (!first) return undefined;
  const path = join(folder, first.path, first.files[0]!);
  try {
    return await imageOutline(path);
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    throw new TrikdError(error.kind, `${path}: ${error.message}`, { path }, { cause: error });
  }
}

/** @param tested folder of the test images; undefined: they are in the same folder, if there are any */
async function foundIn(
  folder: string,
  tested: string | undefined,
  limits: ListingLimits,
  problems: Problems,
): Promise<ImageFolder> {
  const listed = await found(folder, limits, problems);
  if (tested === undefined) return listed;
  const others = await found(tested, limits, inside(tested, problems));
  for (const [place, { test }] of [
    [folder, listed],
    [tested, others],
  ] as const) {
    if (!test) continue;
    const problem = `${place} has folders train and test: with data.testFolder the subfolders of both are classes or identities`;
    throw new TrikdError('invalid', problem, { folder: place });
  }
  const classNames = [...new Set([...listed.classNames, ...others.classNames])].sort();
  return { classNames, train: listed.train, test: others.train };
}

async function found(folder: string, limits: ListingLimits, problems: Pick<Problems, 'add'>): Promise<ImageFolder> {
  const listed = await listImageFolder(folder, limits, problems);
  if (listed) return listed;
  throw new TrikdError('not-found', `there is no folder ${folder}`, { folder });
}

function assertUsable(
  folder: string,
  { classNames, train, test }: ImageFolder,
  split: ImagesSpec['split'],
  problems: Problems,
): void {
  if (classNames.length < 2) {
    const found = `found ${classNames.length === 1 ? `one, ${classNames[0]}` : 'none'}`;
    const hint = `expected a subfolder of PNG or JPEG files for each class, or train and test with such subfolders; ${found}`;
    throw new TrikdError('invalid', `${folder}: ${hint}`, { folder });
  }
  if (split === 'identities') {
    if (test) return;
    const needs =
      'a split by identity needs the folders train and test, with other identities in each, or data.testFolder';
    throw new TrikdError('invalid', `${folder}: ${needs}`, { folder });
  }
  const trained = new Set(train.map(({ name }) => name));
  for (const { name, path } of test ?? []) {
    if (!trained.has(name)) problems.add(path, 'is a class that train does not have');
  }
}
