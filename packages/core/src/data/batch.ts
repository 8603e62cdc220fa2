import { createHash } from 'node:crypto';
import { TrikdError } from '../domain/errors.js';
import { mixesOf } from '../spec/data-spec.js';
import type { RunSpec } from '../spec/run-spec.js';
import { partnerOf, writeAugmented } from './augmented-image.js';
import { imageBytes } from './image-source.js';
import { below, randomWords } from './random.js';
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
 * Derives the batch of one step: a pure function of dataset, spec, stage and step.
 * @param part of the batch that is made; its digest is of these rows alone. Default: all of it
 * @throws TrikdError 'invalid' if the batch is larger than the training split
 */
export function makeBatch(
  dataset: Dataset,
  spec: RunSpec,
  stage: number,
  step: number,
  part: BatchPart = { index: 0, of: 1 },
): Batch {
  const { seed, batchSize } = spec;
  const plan = { seed, stage, examples: dataset.train.count, batchSize };
  const rows = batchSize / part.of;
  const indices = batchIndices(plan, step).subarray(part.index * rows, (part.index + 1) * rows);
  const epoch = epochOf(plan, step);
  const size = imageBytes(dataset);
  const images = new Uint8Array(rows * size);
  const labels = Int32Array.from(indices, (sample) => dataset.train.labels[sample]!);
  const mix = { labels: labels.slice(), shares: new Float32Array(rows).fill(1) };
  for (const [row, sample] of indices.entries()) {
    const output = images.subarray(row * size, (row + 1) * size);
    const mixed = writeAugmented(dataset, spec.augment, { seed, stage, epoch, sample }, output);
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
export function readBatchAhead(dataset: Dataset, spec: RunSpec, stage: number, step: number): void {
  const { images } = dataset.train;
  if (!images.readAhead) return;
  const { seed, batchSize, augment } = spec;
  const plan = { seed, stage, examples: dataset.train.count, batchSize };
  const own = [...batchIndices(plan, step)];
  const epoch = epochOf(plan, step);
  const partners = own.map((sample) => partnerOf(dataset, augment, { seed, stage, epoch, sample }));
  images.readAhead([...own, ...partners.filter((partner) => partner !== undefined)]);
}

/** Everything that decides which examples a step sees. */
export interface BatchPlan {
  readonly seed: number;
  readonly stage: number;
  /** Size of the training split. */
  readonly examples: number;
  readonly batchSize: number;
}

/** Full batches in one pass over the examples; the remainder is dropped. */
export function stepsPerEpoch(examples: number, batchSize: number): number {
  if (batchSize > examples) {
    throw new TrikdError('invalid', `a batch of ${batchSize} needs more than the ${examples} training images`, {
      batchSize,
      examples,
    });
  }
  return Math.floor(examples / batchSize);
}

/** Number of steps of one stage. */
export function totalSteps(examples: number, batchSize: number, epochs: number): number {
  return epochs * stepsPerEpoch(examples, batchSize);
}

/** The epoch of a step, from 0. */
export function epochOf(plan: BatchPlan, step: number): number {
  return Math.floor(step / stepsPerEpoch(plan.examples, plan.batchSize));
}

/**
 * The examples of one step, as `batchSize` indices into the training split: a slice of a permutation of all examples
 * that is drawn anew for every (seed, stage, epoch). A pure function; steps may be requested in any order.
 */
export function batchIndices(plan: BatchPlan, step: number): Uint32Array {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new TrikdError('invalid', `step ${step} is not a whole number from 0 on`, { step });
  }
  const begin = (step % stepsPerEpoch(plan.examples, plan.batchSize)) * plan.batchSize;
  return permutationOf(plan, epochOf(plan, step)).slice(begin, begin + plan.batchSize);
}

interface Remembered {
  readonly plan: BatchPlan;
  readonly epoch: number;
  readonly permutation: Uint32Array;
}

/**
 * The most recent permutations, newest first. Several are kept for the trio in one process, and for an anchor that is
 * already in the next epoch.
 */
const remembered: Remembered[] = [];
const REMEMBER = 3;

function permutationOf(plan: BatchPlan, epoch: number): Uint32Array {
  const known = remembered.find(
    (one) =>
      one.epoch === epoch &&
      one.plan.seed === plan.seed &&
      one.plan.stage === plan.stage &&
      one.plan.examples === plan.examples,
  );
  if (known) return known.permutation;
  const permutation = permute(plan, epoch);
  remembered.unshift({ plan, epoch, permutation });
  remembered.length = Math.min(remembered.length, REMEMBER);
  return permutation;
}

/** Fisher-Yates shuffle, from the last position down. */
function permute({ seed, stage, examples }: BatchPlan, epoch: number): Uint32Array {
  const permutation = Uint32Array.from({ length: examples }, (_, i) => i);
  const words = new Uint32Array(4);
  for (let i = examples - 1; i > 0; i--) {
    const draw = examples - 1 - i;
    if (draw % 4 === 0) randomWords({ purpose: 'permutation', seed, stage, epoch }, draw / 4, words);
    const other = below(words[draw % 4]!, i + 1);
    const held = permutation[i]!;
    permutation[i] = permutation[other]!;
    permutation[other] = held;
  }
  return permutation;
}
