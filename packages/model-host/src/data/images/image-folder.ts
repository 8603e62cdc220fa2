import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { LONGEST_PAIR_LIST, type NamedImage, parsePairList, stemOf } from '@trikd/core/data/formats/pair-list';
import type { ImagePairs } from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import { errorCode, hasCode } from '@trikd/process/error-code';
import { contentOf, openRegular } from '../data-files.js';

/** The files of one class. */
export interface ClassFiles {
  /** The name of its subfolder. */
  readonly name: string;
  /** Relative to the folder of the dataset. */
  readonly path: string;
  /** Names, sorted. */
  readonly files: readonly string[];
}

/** A folder of images, of which only names are read. */
export interface ImageFolder {
  /** Sorted. The place of a name is the label of its class. */
  readonly classNames: readonly string[];
  readonly train: readonly ClassFiles[];
  /** Absent where the folder does not set test images apart. */
  readonly test?: readonly ClassFiles[];
}

/** How much is listed. A folder that has more is above a limit anyway. */
export interface ListingLimits {
  readonly images: number;
  readonly classes: number;
}

/** Names of files that are read. */
const IMAGE = /\.(png|jpe?g)$/i;

/**
 * Lists a folder with a subfolder for each class, or with `train` and `test`, which have such subfolders. Hidden entries are skipped, and
 * so are files beside the subfolders. Links are not followed: they lead to what the reader may read but the author of the spec may not.
 * @returns undefined when there is no such folder
 * @throws TrikdError 'unavailable' for a folder that cannot be read
 */
export async function listImageFolder(
  folder: string,
  limits: ListingLimits,
  problems: Pick<Problems, 'add'>,
): Promise<ImageFolder | undefined> {
  const top = await subfoldersOf(folder, '', limits, problems);
  if (!top) return undefined;
  const listing = { folder, limits, problems, left: limits.images + 1 };
  if (!(top.includes('train') && top.includes('test'))) {
    const train = await classesOf(listing, '', top);
    return { classNames: train.map(({ name }) => name), train };
  }
  for (const other of top) {
    if (other !== 'train' && other !== 'test') problems.add(other, 'beside train and test no other folder is read');
  }
  const train = await classesOf(listing, 'train');
  const test = await classesOf(listing, 'test');
  const classNames = [...new Set([...train, ...test].map(({ name }) => name))].sort();
  return { classNames, train, test };
}

/** Images in a list of classes. */
export function countOf(classes: readonly ClassFiles[] = []): number {
  return classes.reduce((sum, { files }) => sum + files.length, 0);
}

interface Listing {
  readonly folder: string;
  readonly limits: ListingLimits;
  readonly problems: Pick<Problems, 'add'>;
  /** Images that are still listed. */
  left: number;
}

async function classesOf(listing: Listing, path: string, known?: readonly string[]): Promise<readonly ClassFiles[]> {
  const { folder, limits, problems } = listing;
  const names = known ?? (await subfoldersOf(folder, path, limits, problems)) ?? [];
  const classes: ClassFiles[] = [];
  for (const name of names) {
    const inside = join(path, name);
    const files = await imagesIn(listing, inside);
    if (files.length === 0 && listing.left > 0) problems.add(inside, 'is a folder without images');
    classes.push({ name, path: inside, files });
  }
  return classes;
}

async function subfoldersOf(
  folder: string,
  path: string,
  { classes }: ListingLimits,
  problems: Pick<Problems, 'add'>,
): Promise<readonly string[] | undefined> {
  const names: string[] = [];
  for await (const entry of entriesOf(join(folder, path))) {
    if (entry === undefined) return undefined;
    if (entry.isDirectory()) names.push(entry.name);
    else if (!entry.isFile()) problems.add(join(path, entry.name), kindOf(entry));
    if (names.length > classes) break;
  }
  return names.sort();
}

async function imagesIn(listing: Listing, path: string): Promise<readonly string[]> {
  const names: string[] = [];
  if (listing.left === 0) return names;
  for await (const entry of entriesOf(join(listing.folder, path))) {
    if (entry === undefined) break;
    const { name } = entry;
    if (!entry.isFile()) listing.problems.add(join(path, name), kindOf(entry));
    else if (!IMAGE.test(name)) listing.problems.add(join(path, name), 'is named neither .png nor .jpg or .jpeg');
    else names.push(name);
    if (names.length >= listing.left) break;
  }
  listing.left -= names.length;
  return names.sort();
}

/** The entries of a folder that are not hidden; one undefined if there is no folder. */
async function* entriesOf(path: string): AsyncGenerator<Dirent | undefined, void> {
  try {
    for await (const entry of await opendir(path)) if (!entry.name.startsWith('.')) yield entry;
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) yield undefined;
    else throw new TrikdError('unavailable', `cannot read ${path}: ${errorCode(cause) ?? cause}`, { path }, { cause });
  }
}

function kindOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return 'is a symbolic link, which is not followed';
  return entry.isDirectory() ? 'is a folder in the folder of a class' : 'is not a regular file';
}

/** The test images that a list of pairs names, and the pairs. */
export interface PairedImages {
  readonly test: readonly ClassFiles[];
  readonly pairs: ImagePairs;
}

/**
 * Reads a list of pairs, and keeps the images that it names. An image that the folder does not have is added to the problems.
 * @throws TrikdError 'not-found' without the file, 'invalid' for one that is no such list
 */
export async function pairedImages(
  folder: string,
  name: string,
  listed: readonly ClassFiles[],
  problems: Pick<Problems, 'add'>,
): Promise<PairedImages> {
  const path = join(folder, name);
  const { folds, pairs } = parsePairList(path, await textOf(path));
  const identities = new Map(listed.map((each) => [each.name, byStem(each.files)]));
  const wanted = new Map<string, Set<string>>();
  const fileOf = (image: NamedImage, line: number): string | undefined => {
    const file = identities.get(image.identity)?.get(stemOf(image));
    if (file === undefined) problems.add(name, `line ${line}: there is no image ${image.identity}/${stemOf(image)}`);
    else wanted.set(image.identity, (wanted.get(image.identity) ?? new Set()).add(file));
    return file;
  };
  const files = pairs.map(({ left, right, line }) => [fileOf(left, line), fileOf(right, line)] as const);
  const test = listed.flatMap((each) => {
    const kept = each.files.filter((file) => wanted.get(each.name)?.has(file));
    return kept.length === 0 ? [] : [{ ...each, files: kept }];
  });
  const places = new Map(test.flatMap(({ name: of, files: kept }) => kept.map((file) => `${of}/${file}`)).map(placed));
  const placeOf = ({ identity }: NamedImage, file: string | undefined) => places.get(`${identity}/${file}`) ?? 0;
  return {
    test,
    pairs: {
      left: Uint32Array.from(pairs, ({ left }, index) => placeOf(left, files[index]![0])),
      right: Uint32Array.from(pairs, ({ right }, index) => placeOf(right, files[index]![1])),
      same: Uint8Array.from(pairs, ({ same }) => same),
      fold: Uint8Array.from(pairs, ({ fold }) => fold),
      folds,
    },
  };
}

const placed = (image: string, place: number) => [image, place] as const;

function byStem(files: readonly string[]): ReadonlyMap<string, string> {
  return new Map(files.map((file) => [parse(file).name, file]));
}

async function textOf(path: string): Promise<string> {
  const file = await openRegular(path);
  if (!file) throw new TrikdError('not-found', `there is no list of pairs ${path}`, { path });
  try {
    if (file.bytes <= LONGEST_PAIR_LIST) return (await contentOf(file)).toString();
    throw new TrikdError('invalid', `${path}: ${file.bytes} bytes: at most ${LONGEST_PAIR_LIST} are read`, { path });
  } finally {
    await file.handle.close();
  }
}

/** Files that are named; the others are counted. */
const MOST_NAMED = 32;

/** What is wrong with the files of a folder, collected so that all of it is reported at once. */
export interface Problems {
  /** @param file relative to the folder */
  add(file: string, problem: string): void;
  /** @throws TrikdError 'invalid' with every problem that was added, if there are any */
  assertNone(): void;
}

/** @param folder for the message */
export function problemsOf(folder: string): Problems {
  const named: string[] = [];
  let count = 0;
  return {
    add(file, problem) {
      count += 1;
      if (named.length < MOST_NAMED) named.push(`\n  ${file}: ${problem}`);
    },
    assertNone() {
      if (count === 0) return;
      const more = count > named.length ? `\n  and ${count - named.length} more` : '';
      const what = count === 1 ? '1 problem' : `${count} problems`;
      throw new TrikdError('invalid', `${folder} has ${what}:${named.join('')}${more}`, { folder, count });
    },
  };
}
