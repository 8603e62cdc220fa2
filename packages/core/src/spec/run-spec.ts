import { createHash } from 'node:crypto';
import { z } from 'zod';
import { MAX_SPEC_SECONDS } from './durations.js';

const Positive = z.int().positive();

/**
 * The state of a run contains the results of all its generations: at most 1.6 KB each, of the 1 MiB that a reader
 * accepts.
 */
export const MOST_GENERATIONS = 500;

/** Shortest time between checkpoints, in seconds: saving more often leaves no time to train. */
export const MIN_CHECKPOINT_SECONDS = 0.1;

/** Shortest time to wait for a frame, in seconds: the pause of a busy process is longer than less. */
export const MIN_STEP_TIMEOUT_SECONDS = 0.1;

/** Where the images come from and how they are split. Sizes count images. */
export const DataSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('idx').describe('IDX files as MNIST and Fashion-MNIST ship them, plain or gzip'),
    folder: z
      .string()
      .optional()
      .describe('folder with the four files; default: what `make data` brought, or TRIKD_DATA'),
    train: Positive.optional().describe('training images, drawn by seed; default: all that validation leaves'),
    validation: Positive.default(5000).describe('images of the training files held out for every decision'),
    test: Positive.optional().describe('test images, only ever reported; default: all'),
  }),
  z.strictObject({
    kind: z.literal('synthetic').describe('class prototypes plus noise, made from the seed: for tests and load'),
    height: Positive.default(8),
    width: Positive.default(8),
    channels: Positive.default(1),
    classes: z.int().min(2).default(4),
    train: Positive.default(256),
    validation: Positive.default(64),
    test: Positive.default(64),
    noise: z.number().min(0).default(64).describe('standard deviation of the noise, in pixel values'),
  }),
]);
export type DataSpec = z.infer<typeof DataSpec>;

export const AugmentSpec = z.strictObject({
  crop: z.int().min(0).default(2).describe('pixels of zero padding before a random crop; 0 turns it off'),
  flip: z.boolean().default(true).describe('mirror left-right with probability 1/2'),
  cutout: z.int().min(0).default(0).describe('side of the blanked square in pixels; 0 turns it off'),
});
export type AugmentSpec = z.infer<typeof AugmentSpec>;

export const ModelSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('resnet').describe('CIFAR ResNet, depth 6n+2 (He et al. 2016)'),
    depth: z
      .int()
      .refine(
        (depth) => depth >= 8 && (depth - 2) % 6 === 0,
        'depth must be 6n+2 and at least 8: 8, 14, 20, 32, 44, 56, 110',
      ),
    width: z
      .union([Positive, z.tuple([Positive, Positive, Positive, Positive])])
      .default(16)
      .describe(
        'channels of the first stage, doubled by each next; or stem and three stages, such as [32, 64, 128, 256]',
      ),
  }),
  z.strictObject({
    kind: z
      .literal('plain-cnn')
      .describe('3x3 convolutions with batch norm and ReLU, 2x2 max-pooling after every second'),
    channels: z.array(Positive).min(1).describe('output channels of each convolution'),
    hidden: z.array(Positive).default([]).describe('units of dense layers before the classifier'),
    dropout: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe(
        'share of the inputs of each dense layer that a training step drops (Srivastava et al. 2014); default: none',
      ),
  }),
]);
export type ModelSpec = z.infer<typeof ModelSpec>;

const weight = z.number().min(0).default(1);
const temperature = z.number().positive().default(4).describe('T in softmax(logits / T)');

/** One term of an objective. `from` names the model whose logits are the target. */
export const TermSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('task').describe('cross-entropy with the labels'), weight }),
  z.strictObject({
    kind: z.literal('distillation').describe('T² · KL from the logits of another model'),
    from: z.enum(['anchor', 'peer']),
    weight,
    temperature,
  }),
]);
export type TermSpec = z.infer<typeof TermSpec>;

function isAnchorTerm(term: TermSpec): boolean {
  return term.kind === 'distillation' && term.from === 'anchor';
}

export const OptimizerSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sgd').describe('stochastic gradient descent with momentum'),
    momentum: z.number().min(0).lt(1).default(0.9),
    nesterov: z.boolean().default(true),
    weightDecay: z.number().min(0).default(5e-4).describe('none on biases and batch norm'),
    decoupled: z
      .boolean()
      .default(false)
      .describe('true: decay apart from the gradient (Loshchilov & Hutter); false: L2'),
  }),
  z.strictObject({
    kind: z.literal('adamw').describe('Loshchilov & Hutter 2019'),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: z.number().positive().default(1e-8),
    weightDecay: z.number().min(0).default(0.01).describe('decoupled; none on biases and batch norm'),
  }),
]);
export type OptimizerSpec = z.infer<typeof OptimizerSpec>;

export const ScheduleSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant').describe('the peak, after warm-up') }),
  z.strictObject({ kind: z.literal('cosine').describe('half a cosine from the peak to 0') }),
  z.strictObject({
    kind: z.literal('multistep').describe('the peak times `factor` after each milestone'),
    milestones: z
      .array(z.number().gt(0).lt(1))
      .refine(
        (milestones) => milestones.every((each, index) => index === 0 || each > milestones[index - 1]!),
        'milestones must ascend, such as [0.5, 0.75]',
      )
      .default([0.5, 0.75])
      .describe('fractions of the generation, ascending'),
    factor: z.number().gt(0).lt(1).default(0.1),
  }),
]);
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;

/** How one role trains. */
export const RoleSpec = z.strictObject({
  model: ModelSpec,
  objective: z
    .array(TermSpec)
    .min(1)
    .refine(
      (terms) => terms.length === 0 || terms.some((term) => term.weight > 0 && !isAnchorTerm(term)),
      'nothing to learn from in generation 0, which has no anchor: a task or peer term with a weight above 0 is needed',
    )
    .describe('terms of the loss; those that ask the anchor rest in generation 0'),
  optimizer: OptimizerSpec.prefault({ kind: 'sgd' }),
  learningRate: z.number().positive().default(0.05).describe('peak, after warm-up'),
  clipNorm: z
    .number()
    .positive()
    .nullable()
    .default(5)
    .describe('limit of the global gradient norm; null turns it off'),
});
export type RoleSpec = z.infer<typeof RoleSpec>;

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
    warmupSteps: z.int().min(0).default(DEFAULT_WARMUP).describe('steps over which the learning rate rises from 0'),
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
        patience: z
          .int()
          .min(0)
          .default(0)
          .describe('validations without a better student before a generation ends; 0: the whole budget'),
        minDelta: z.number().min(0).default(0).describe('a better student must be better by this accuracy, 0..1'),
      })
      .prefault({}),
    curriculum: z
      .strictObject({
        generations: Positive.max(MOST_GENERATIONS).default(3).describe('at most, generation 0 included'),
        patience: z
          .int()
          .min(0)
          .default(0)
          .describe('generations without gain before the run ends; 0: the whole budget'),
        minDelta: z.number().min(0).default(0.001).describe('gain in validation accuracy, 0..1, that counts'),
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

/** JSON with sorted keys and no white space, so equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(withSortedKeys(value));
}

function withSortedKeys(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withSortedKeys);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([key, field]) => [key, withSortedKeys(field)]));
}
