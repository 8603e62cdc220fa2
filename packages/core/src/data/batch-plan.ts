import { TrikdError } from '../domain/errors.js';
import { below, randomWords } from './random.js';

/** Everything that decides which examples a step sees. */
export interface BatchPlan {
  readonly seed: number;
  readonly generation: number;
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

/** Number of steps of one generation. */
export function totalSteps(examples: number, batchSize: number, epochs: number): number {
  return epochs * stepsPerEpoch(examples, batchSize);
}

/** The epoch of a step, from 0. */
export function epochOf(plan: BatchPlan, step: number): number {
  return Math.floor(step / stepsPerEpoch(plan.examples, plan.batchSize));
}

/**
 * The examples of one step, as `batchSize` indices into the training split: a slice of a permutation of all examples
 * that is drawn anew for every (seed, generation, epoch). A pure function; steps may be requested in any order.
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
      one.plan.generation === plan.generation &&
      one.plan.examples === plan.examples,
  );
  if (known) return known.permutation;
  const permutation = permute(plan, epoch);
  remembered.unshift({ plan, epoch, permutation });
  remembered.length = Math.min(remembered.length, REMEMBER);
  return permutation;
}

/** Fisher-Yates shuffle, from the last position down. */
function permute({ seed, generation, examples }: BatchPlan, epoch: number): Uint32Array {
  const permutation = Uint32Array.from({ length: examples }, (_, i) => i);
  const words = new Uint32Array(4);
  for (let i = examples - 1; i > 0; i--) {
    const draw = examples - 1 - i;
    if (draw % 4 === 0) randomWords({ purpose: 'permutation', seed, generation, epoch }, draw / 4, words);
    const other = below(words[draw % 4]!, i + 1);
    const held = permutation[i]!;
    permutation[i] = permutation[other]!;
    permutation[other] = held;
  }
  return permutation;
}
