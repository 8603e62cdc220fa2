import { join, parse } from 'node:path';
import type { ImagePairs } from '@trikd/core/data/image-pairs';
import { LONGEST_PAIR_LIST, type NamedImage, parsePairList, stemOf } from '@trikd/core/data/pair-list';
import { TrikdError } from '@trikd/core/domain/errors';
import { contentOf } from '../file-chunks.js';
import { openRegular } from '../regular-file.js';
import type { ClassFiles } from './image-folder.js';
import type { Problems } from './problems.js';

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
