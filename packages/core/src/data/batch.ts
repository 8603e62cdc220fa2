import { createHash } from 'node:crypto';
import type { RunSpec } from '../spec/run-spec.js';
import { applyAugmentation, drawAugmentation } from './augment.js';
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
  /** First 16 bytes, hex, of the SHA-256 over images and labels. All frames of the step must carry the same digest. */
  readonly digest: string;
}

/**
 * Derives the batch of one step: a pure function of dataset, spec, generation and step.
 * @throws TrikdError 'invalid' if the batch is larger than the training split
 */
export function makeBatch(dataset: Dataset, spec: RunSpec, generation: number, step: number): Batch {
  const { seed, batchSize } = spec;
  const plan = { seed, generation, examples: dataset.train.count, batchSize };
  const indices = batchIndices(plan, step);
  const stream = { purpose: 'augmentation', seed, generation, epoch: epochOf(plan, step) } as const;
  const size = imageBytes(dataset);
  const images = new Uint8Array(batchSize * size);
  for (const [row, sample] of indices.entries()) {
    const augmentation = drawAugmentation(spec.augment, dataset, { stream, sample });
    applyAugmentation(augmentation, dataset, {
      input: dataset.train.images.subarray(sample * size, (sample + 1) * size),
      output: images.subarray(row * size, (row + 1) * size),
    });
  }
  const labels = Int32Array.from(indices, (sample) => dataset.train.labels[sample]!);
  const digest = createHash('sha256').update(images).update(labels).digest().toString('hex', 0, 16);
  return { step, images, labels, digest };
}
