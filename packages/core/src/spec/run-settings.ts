import { z } from 'zod';
import { TaskSpec } from '../tasks/registry.js';
import { AugmentSpec, DataSpec } from './data-spec.js';
import { Amount, Count, MAX_SPEC_SECONDS, Positive } from './fields.js';
import { RoleSpec, ScheduleSpec, TeacherSpec, TrainingSpec } from './role-spec.js';
import { ConvergenceSpec, MOST_STAGES, StageSpec } from './stage-spec.js';

/** Steps of warm-up when a spec names none. A stage that is shorter is all warm-up, and still valid. */
export const DEFAULT_WARMUP = 60;

/** Why a warm-up does not fit into a stage of so many steps; undefined when it does. */
export function warmupProblem(warmupSteps: number, totalSteps: number): string | undefined {
  if (warmupSteps <= totalSteps || warmupSteps === DEFAULT_WARMUP) return undefined;
  return `${warmupSteps} steps of warm-up are more than the ${totalSteps} steps of a stage`;
}

/**
 * The state of a run contains the results of all its stages: at most 2.1 KB each, of the 2 MiB that a reader
 * accepts.
 */
export const MOST_GENERATIONS = 500;

/** Shortest time between checkpoints, in seconds: saving more often leaves no time to train. */
export const MIN_CHECKPOINT_SECONDS = 0.1;

/** Shortest time to wait for a frame, in seconds: the pause of a busy process is longer than less. */
export const MIN_STEP_TIMEOUT_SECONDS = 0.1;

/** The settings of a run, apart from its method, which decides what they amount to. */
export const RunSettings = z.strictObject({
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
  task: TaskSpec.optional().describe('what is learned; default: classification'),
  augment: AugmentSpec.prefault({}),
  batchSize: Positive.default(128).describe('images of a step; the remainder of an epoch is dropped'),
  epochs: Positive.describe('of one stage, at most'),
  schedule: ScheduleSpec.prefault({ kind: 'cosine' }),
  warmupSteps: Count.default(DEFAULT_WARMUP).describe('steps over which the learning rate rises from 0'),
  student: RoleSpec.optional(),
  teacher: TeacherSpec.optional(),
  assistants: z
    .array(TrainingSpec)
    .min(1)
    .max(MOST_STAGES - 2)
    .optional()
    .describe('models between teacher and student, from the largest on, for the method takd'),
  stages: z.array(StageSpec).min(1).max(MOST_STAGES).optional().describe('the stages themselves, instead of a method'),
  evaluation: z.strictObject({ everyEpochs: Positive.default(1).describe('epochs between validations') }).prefault({}),
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
  convergence: ConvergenceSpec.prefault({}),
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
      precision: z
        .enum(['float32', 'float16'])
        .optional()
        .describe('of logits on their way; part of the result, bit for bit; default: float32'),
      topK: Positive.optional().describe(
        'largest logits of each image that are sent, the others as one; of half of the classes or more, all are sent; default: all',
      ),
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
        .describe('of convolutions; bfloat16 on CPUs with AVX-512 only, others compute float32 instead, with an alarm'),
      kernels: z
        .enum(['own', 'tensorflow'])
        .optional()
        .describe(
          'what computes most convolutions of 16 to 256 channels, and batch norm; own: faster on CPUs with AVX2 or AVX-512, without them as tensorflow; part of the result, bit for bit; default: own for a new run in float32 on CPUs, tensorflow otherwise',
        ),
    })
    .refine(({ device, precision, kernels }) => kernels !== 'own' || (device === 'cpu' && precision === 'float32'), {
      path: ['kernels'],
      message: 'own kernels compute float32 on a CPU: leave out kernels',
    })
    .refine(({ device, precision }) => device === 'cpu' || precision === 'float32', {
      path: ['precision'],
      message: 'bfloat16 is for CPUs: take float32 on a GPU',
    })
    .prefault({}),
});
export type RunSettings = z.infer<typeof RunSettings>;
