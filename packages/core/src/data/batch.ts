import { createHash } from 'node:crypto';
import { mixesOf } from '../spec/augment-spec.js';
import type { RunSpec } from '../spec/run-spec.js';
import { partnerOf, writeAugmented } from './augmented-image.js';
import { batchIndices, epochOf } from './batch-plan.js';
import { imageBytes } from './image-source.js';
import type { Dataset } from './split.js';

/** The examples of one step. Teacher, student and anchor each derive them and get the same bytes. */
export interface Batch {
  readonly step: number;
  /** batchSize x height x width x channels, row-major, 0..255, augmented. */
  readonly images: Uint8Array;
  /** batchSize class indices. */
  readonly labels: Int32Array;
  /** The labels that augmentation mixed in; absent where it mixes none. */
  readonly mix?: LabelMix;
  /** First 16 bytes, hex, of the SHA-256 over images, labels and what is mixed in. All frames of the step must carry the same digest. */
  readonly digest: string;
}

/** One of several equal parts of a batch: consecutive rows. */
export interface BatchPart {
  /** From 0. */
  readonly index: number;
  readonly of: number;
}

/** What is mixed into each row of a batch. */
export interface LabelMix {
  /** batchSize class indices. */
  readonly labels: Int32Array;
  /** Of the rows' own labels, 0..1; 1 where nothing is mixed in. */
  readonly shares: Float32Array;
}

/**
 * Derives the batch of one step: a pure function of dataset, spec, generation and step.
 * @param part of the batch that is made; its digest is of these rows alone. Default: all of it
 * @throws TrikdError 'invalid' if the batch is larger than the training split
 */
export function makeBatch(
  dataset: Dataset,
  spec: RunSpec,
  generation: number,
  step: number,
  part: BatchPart = { index: 0, of: 1 },
): Batch {
  const { seed, batchSize } = spec;
  const plan = { seed, generation, examples: dataset.train.count, batchSize };
  const rows = batchSize / part.of;
  const indices = batchIndices(plan, step).subarray(part.index * rows, (part.index + 1) * rows);
  const epoch = epochOf(plan, step);
  const size = imageBytes(dataset);
  const images = new Uint8Array(rows * size);
  const labels = Int32Array.from(indices, (sample) => dataset.train.labels[sample]!);
  const mix = { labels: labels.slice(), shares: new Float32Array(rows).fill(1) };
  for (const [row, sample] of indices.entries()) {
    const output = images.subarray(row * size, (row + 1) * size);
    const mixed = writeAugmented(dataset, spec.augment, { seed, generation, epoch, sample }, output);
    if (!mixed) continue;
    mix.labels[row] = mixed.label;
    mix.shares[row] = mixed.share;
  }
  const hash = createHash('sha256').update(images).update(labels);
  const mixes = mixesOf(spec.augment).length > 0;
  if (mixes) hash.update(mix.labels).update(mix.shares);
  return { step, images, labels, ...(mixes && { mix }), digest: hash.digest().toString('hex', 0, 16) };
}

/** Reads the images of a step that comes soon, where they are not in memory. */
export function readBatchAhead(dataset: Dataset, spec: RunSpec, generation: number, step: number): void {
  const { images } = dataset.train;
  if (!images.readAhead) return;
  const { seed, batchSize, augment } = spec;
  const plan = { seed, generation, examples: dataset.train.count, batchSize };
  const own = [...batchIndices(plan, step)];
  const epoch = epochOf(plan, step);
  const partners = own.map((sample) => partnerOf(dataset, augment, { seed, generation, epoch, sample }));
  images.readAhead([...own, ...partners.filter((partner) => partner !== undefined)]);
}
