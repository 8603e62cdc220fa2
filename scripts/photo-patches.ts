/**
 * Cuts patches out of photographs, and writes them as IDX files: a data set of photographs in colour, in which a class is a photograph.
 *
 * usage: node scripts/photo-patches.ts PHOTOS FOLDER      (after a build)
 *
 * Training patches are cut out of the left 70 % of a photograph and test patches out of the rest, so that they have no pixel in common.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import type { LabelledImages } from '../packages/core/dist/data/image-source.js';
import { onWhite } from '../packages/core/dist/data/pixels.js';
import { writeIdx } from '../packages/model-host/dist/data/idx-folder.js';
import { decodeImage } from '../packages/model-host/dist/data/images/image-codec.js';

const SIDE = 32;
const CHANNELS = 3;
/** Of the width of a photograph. */
const TRAIN_SHARE = 0.7;
/** Patches of a photograph. */
const PATCHES = { train: 1000, test: 200 };

interface Photo {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** height x width x 3 */
  readonly pixels: Uint8Array;
}

function read(folder: string, file: string): Photo {
  const picture = decodeImage(readFileSync(join(folder, file)));
  return { name: parse(file).name, ...picture, pixels: onWhite(picture, CHANNELS) };
}

/** Different patches, whose places follow from the name of the photograph. */
function patchesOf(photo: Photo, split: keyof typeof PATCHES): readonly Uint8Array[] {
  const border = Math.floor(TRAIN_SHARE * photo.width);
  const [first, end] = split === 'train' ? [0, border] : [border, photo.width];
  const found = new Map<string, Uint8Array>();
  for (let draw = 0; found.size < PATCHES[split]; draw++) {
    const place = createHash('sha256').update(`${photo.name} ${split} ${draw}`).digest();
    const top = place.readUInt32LE(0) % (photo.height - SIDE + 1);
    const left = first + (place.readUInt32LE(4) % (end - first - SIDE + 1));
    const patch = cut(photo, top, left);
    found.set(createHash('sha256').update(patch).digest('hex'), patch);
  }
  return [...found.values()];
}

function cut({ width, pixels }: Photo, top: number, left: number): Uint8Array {
  const patch = new Uint8Array(SIDE * SIDE * CHANNELS);
  for (let row = 0; row < SIDE; row++) {
    const begin = ((top + row) * width + left) * CHANNELS;
    patch.set(pixels.subarray(begin, begin + SIDE * CHANNELS), row * SIDE * CHANNELS);
  }
  return patch;
}

function splitOf(photos: readonly Photo[], split: keyof typeof PATCHES): LabelledImages {
  const patches = photos.flatMap((photo, label) => patchesOf(photo, split).map((patch) => ({ patch, label })));
  const labels = Uint8Array.from(patches, ({ label }) => label);
  return { count: patches.length, images: Buffer.concat(patches.map(({ patch }) => patch)), labels };
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error('usage: node scripts/photo-patches.ts PHOTOS FOLDER');
const photos = readdirSync(from)
  .sort()
  .map((file) => read(from, file));
await writeIdx(to, {
  ...{ name: 'photo-patches', height: SIDE, width: SIDE, channels: CHANNELS, classes: photos.length },
  classNames: photos.map(({ name }) => name),
  train: splitOf(photos, 'train'),
  test: splitOf(photos, 'test'),
});
