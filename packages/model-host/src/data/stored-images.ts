import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageShape, ImageSource, LabelledImages, Pixels } from '@trikd/core/data/image-source';
import { orUnwritable } from './data-files.js';
import { filePixels } from './shards/file-pixels.js';

/** The images that a dataset in files announces. */
export interface StoredLayout extends ImageShape {
  /** Images of the training files. */
  readonly train: number;
  /** 0 where the files set none apart. */
  readonly test: number;
  /** Whether pixels are read where they are wanted: they take no memory. */
  readonly staysInFiles?: boolean;
}

/** What was read: `ImageSource`, or one whose test images are still among the others. */
export type ReadSource = Omit<ImageSource, 'test'> & { readonly test?: LabelledImages };

/** A dataset in files, of which only sizes are read. */
export interface StoredImages {
  readonly layout: StoredLayout;
  /** As far as they are known without reading labels: the fewest that the data may have. */
  readonly classes: number;
  /**
   * Reads everything. Allocates what the layout says, so check that first.
   * @param admit checks the number of classes before images are allocated
   * @throws TrikdError 'invalid' for files that cannot be used
   */
  read(admit: (classes: number) => void): Promise<ReadSource>;
  close(): Promise<void>;
}

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
