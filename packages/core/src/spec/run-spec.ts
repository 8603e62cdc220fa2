import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../domain/canonical-json.js';
import { AugmentSpec, DataSpec } from './data-spec.js';
import { MAX_SPEC_SECONDS } from './durations.js';
import { Amount, Count, Positive } from './numbers.js';
import { RoleSpec, ScheduleSpec } from './role-spec.js';

/**
 * The state of a run contains the results of all its generations: at most 2.1 KB each, of the 2 MiB that a reader
 * accepts.
 */
export const MOST_GENERATIONS = 500;

/** Shortest time between checkpoints, in seconds: saving more often leaves no time to train. */
export const MIN_CHECKPOINT_SECONDS = 0.1;

/** Shortest time to wait for a frame, in seconds: the pause of a busy process is longer than less. */
export const MIN_STEP_TIMEOUT_SECONDS = 0.1;

/** Steps of warm-up when a spec names none. A generation that is shorter is all warm-up, and still valid. */
const DEFAULT_WARMUP = 60;

/** Why the warm-up of a spec does not fit into a generation of so many steps; undefined when it does. */
export function warmupProblem(warmupSteps: number, totalSteps: number): string | undefined {
  if (warmupSteps <= totalSteps || warmupSteps === DEFAULT_WARMUP) return undefined;
  return `${warmupSteps} steps of warm-up are more than the ${totalSteps} steps of a generation`;
}

/** The immutable configuration of a run: everything that decides its params, and when its generations begin. */
export const RunSpec = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes')
      .describe('also the id of the run'),
    seed: z
      .int()
      .min(0)
      .max(0xffffffff)
      .default(0)
      .describe('decides the split, the initial params, the batches and the augmentation'),
    data: DataSpec,
    augment: AugmentSpec.prefault({}),
    batchSize: Positive.default(128).describe('images of a step; the remainder of an epoch is dropped'),
    epochs: Positive.describe('of one generation, at most'),
    schedule: ScheduleSpec.prefault({ kind: 'cosine' }),
    warmupSteps: Count.default(DEFAULT_WARMUP).describe('steps over which the learning rate rises from 0'),
    student: RoleSpec,
    teacher: RoleSpec,
    evaluation: z
      .strictObject({ everyEpochs: Positive.default(1).describe('epochs between validations') })
      .prefault({}),
    checkpoint: z
      .strictObject({
        everyEpochs: Positive.default(10).describe('epochs between checkpoints'),
        everySteps: Positive.optional().describe('steps between checkpoints, besides those by epochs'),
        everySeconds: z
          .number()
          .min(MIN_CHECKPOINT_SECONDS)
          .max(MAX_SPEC_SECONDS)
          .optional()
          .describe('seconds between checkpoints, besides those by epochs and steps'),
      })
      .prefault({}),
    convergence: z
      .strictObject({
        patience: Count.default(0).describe(
          'validations without a better student before a generation ends; 0: the whole budget',
        ),
        minDelta: Amount.default(0).describe(
          'a better student must be better by this much in the primary metric of its task',
        ),
      })
      .prefault({}),
    curriculum: z
      .strictObject({
        generations: Positive.max(MOST_GENERATIONS).default(3).describe('at most, generation 0 included'),
        patience: Count.default(0).describe('generations without gain before the run ends; 0: the whole budget'),
        minDelta: Amount.default(0.001).describe('gain in the primary metric, on the validation split, that counts'),
        promotion: z
          .enum(['always', 'if-better'])
          .default('always')
          .describe('whether a student must validate better than the anchor to become the next one'),
        advance: z
          .enum(['automatic', 'manual'])
          .default('automatic')
          .describe('manual: each generation but the first waits for TriggerGeneration'),
      })
      .prefault({}),
    exchange: z
      .strictObject({
        window: z.int().min(1).max(64).default(4).describe('frames a producer keeps for consumers and for reconnects'),
        stepTimeout: z
          .number()
          .min(MIN_STEP_TIMEOUT_SECONDS)
          .max(MAX_SPEC_SECONDS)
          .default(60)
          .describe('seconds to wait for a frame before the step fails by name'),
      })
      .prefault({}),
    engine: z
      .strictObject({
        device: z.enum(['cpu', 'gpu']).default('cpu').describe('gpu needs `make engine TENSORFLOW=gpu`'),
        threads: Positive.default(2).describe('TensorFlow threads a process; part of the result, bit for bit'),
        xla: z.boolean().default(false).describe('just-in-time compilation; pays on GPUs, slower on CPUs'),
        precision: z
          .enum(['float32', 'bfloat16'])
          .default('float32')
          .describe('of convolutions; bfloat16 on CPUs only'),
      })
      .refine(({ device, precision }) => device === 'cpu' || precision === 'float32', {
        path: ['precision'],
        message: 'bfloat16 is for CPUs: take float32 on a GPU',
      })
      .prefault({}),
  })
  .superRefine(({ data: { train }, batchSize, epochs, warmupSteps }, context) => {
    if (train === undefined) return;
    if (batchSize > train) {
      const message = `a batch of ${batchSize} needs more than the ${train} training images`;
      return context.addIssue({ code: 'custom', path: ['batchSize'], message });
    }
    const message = warmupProblem(warmupSteps, epochs * Math.floor(train / batchSize));
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['warmupSteps'], message });
  })
  .readonly();
export type RunSpec = z.infer<typeof RunSpec>;

/**
 * SHA-256, hex, of the spec with sorted keys. Processes with equal digests train the same run. `curriculum.advance` is
 * excluded: it affects when a generation starts, not its numbers.
 */
export function specDigest({ curriculum: { advance: _, ...curriculum }, ...spec }: RunSpec): string {
  return createHash('sha256')
    .update(canonicalJson({ ...spec, curriculum }))
    .digest('hex');
}
