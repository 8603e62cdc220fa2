import type { ImageShape, ImageSource, LabelledImages } from '@trikd/core/data/image-source';

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
