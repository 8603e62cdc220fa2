import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pixels } from '@trikd/core/data/image-source';
import { orUnwritable } from './or-unwritable.js';
import { filePixels } from './shards/file-pixels.js';

/** Takes decoded images, in their order. */
export interface ImageHold {
  put(index: number, pixels: Uint8Array): Promise<void>;
  /** All of them; those that were not put are 0. */
  pixels(): Pixels;
}

/** Makes room for images of so many bytes each. */
export type MakeHold = (count: number, size: number) => Promise<ImageHold>;

/** Images in memory. */
export const inMemory: MakeHold = async (count, size) => {
  const images = new Uint8Array(count * size);
  return { put: async (index, pixels) => images.set(pixels, index * size), pixels: () => images };
};

/** Images in a file in `folder` that has no name any more: it is gone with the process. */
export function inScratchFile(folder: string): MakeHold {
  return async (count, size) => {
    const path = join(folder, `decoded-${process.pid}.partial`);
    return await orUnwritable(path, async () => {
      const handle = await open(path, 'wx+');
      await unlink(path);
      await handle.truncate(count * size);
      const file = { path, handle, bytes: count * size };
      return {
        put: async (index, pixels) => {
          await orUnwritable(path, () => handle.write(pixels, 0, size, index * size));
        },
        pixels: () => filePixels({ files: [file], imagesPerFile: count, images: count, size }),
      };
    });
  };
}
