import { join } from 'node:path';
import { type ImageShape, imageBytes, type LabelledImages, makeLabels } from '@trikd/core/data/image-source';
import { onWhite, scaled } from '@trikd/core/data/pixels';
import { TrikdError } from '@trikd/core/domain/errors';
import { contentOf, openRegular } from '../data-files.js';
import type { MakeHold } from '../stored-images.js';
import { decodeImage, outlineOf } from './image-codec.js';
import type { Problems } from './image-folder.js';
import { type ClassFiles, countOf } from './image-folder.js';
import { damaged, type Outline } from './image-outline.js';

/** Bytes of a file, at most. */
const MOST_BYTES = 64 * 1024 ** 2;

/** Reads the images of some classes, each scaled to `shape`. Files that cannot be used are added to the problems. */
export async function readImages(
  { folder, problems }: { readonly folder: string; readonly problems: Pick<Problems, 'add'> },
  classes: readonly ClassFiles[],
  classNames: readonly string[],
  shape: ImageShape,
  makeHold: MakeHold,
): Promise<LabelledImages> {
  const count = countOf(classes);
  const hold = await makeHold(count, imageBytes(shape));
  const labels = makeLabels(count, classNames.length);
  const labelOf = new Map(classNames.map((name, label) => [name, label]));
  let at = 0;
  for (const { name, path, files } of classes) {
    for (const file of files) {
      const inside = join(path, file);
      labels[at] = labelOf.get(name)!;
      const pixels = await orProblem(inside, problems, () => imagePixels(join(folder, inside), shape));
      if (pixels) await hold.put(at, pixels);
      at += 1;
    }
  }
  return { count, images: hold.pixels(), labels };
}

/**
 * The pixels of an image, scaled to a shape of 1 or 3 channels.
 * @throws TrikdError 'invalid' and 'unavailable' for a file that cannot be used
 */
export async function imagePixels(path: string, shape: ImageShape): Promise<Uint8Array> {
  const picture = decodeImage(await bytesOf(path));
  return scaled(onWhite(picture, shape.channels), { ...picture, channels: shape.channels }, shape);
}

/** The size of an image. @throws TrikdError 'invalid' and 'unavailable' for a file that cannot be used */
export async function imageOutline(path: string): Promise<Outline> {
  return outlineOf(await bytesOf(path));
}

async function bytesOf(path: string): Promise<Buffer> {
  const file = await openRegular(path);
  if (!file) throw damaged('it is gone');
  try {
    if (file.bytes > MOST_BYTES) throw damaged(`it has ${file.bytes} bytes: at most ${MOST_BYTES} are read`);
    return await contentOf(file);
  } finally {
    await file.handle.close();
  }
}

async function orProblem<T>(
  file: string,
  problems: Pick<Problems, 'add'>,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    problems.add(file, error.message);
    return undefined;
  }
}
