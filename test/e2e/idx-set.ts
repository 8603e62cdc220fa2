import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { allPixels } from '@trikd/core/data/image-source';
import { syntheticSource } from '@trikd/core/data/synthetic';

/** A small set of 8x8 images. */
export interface IdxSet {
  /** Training images; there are 64 more for tests. */
  readonly examples: number;
  readonly classes: number;
  readonly seed: number;
  /** Name of a file that is to have half of its bytes. */
  readonly cut?: string;
}

/** Writes the four files of a set into a folder, made when absent, as MNIST has them: IDX in gzip. */
export function writeIdxSet(folder: string, { examples, classes, seed, cut }: IdxSet): void {
  const shape = { height: 8, width: 8, channels: 1, classes, noise: 24 };
  const { train, test } = syntheticSource(
    { kind: 'synthetic', ...shape, train: examples, validation: 0, test: 64 },
    seed,
  );
  mkdirSync(folder, { recursive: true });
  const write = (name: string, dimensions: readonly number[], data: Uint8Array) => {
    const header = Buffer.alloc(4 + 4 * dimensions.length);
    header.set([0, 0, 8, dimensions.length]);
    for (const [axis, size] of dimensions.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
    const bytes = gzipSync(Buffer.concat([header, data]));
    writeFileSync(join(folder, name), name === cut ? bytes.subarray(0, bytes.length / 2) : bytes);
  };
  write('train-images-idx3-ubyte.gz', [train.count, 8, 8], allPixels(train));
  write('train-labels-idx1-ubyte.gz', [train.count], Uint8Array.from(train.labels));
  write('t10k-images-idx3-ubyte.gz', [test.count, 8, 8], allPixels(test));
  write('t10k-labels-idx1-ubyte.gz', [test.count], Uint8Array.from(test.labels));
}
