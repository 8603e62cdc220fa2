import { z } from 'zod';
import { GateSpec } from './gate-spec.js';
import { ModelSpec } from './model-spec.js';
import { Amount, PositiveAmount } from './numbers.js';

/** Terms of an objective, and milestones of a schedule, at most. */
const LONGEST_LIST = 64;

const weight = Amount.default(1);
const temperature = PositiveAmount.default(4).describe('T in softmax(logits / T)');

/** One term of an objective. `from` names the model whose logits are the target. */
export const TermSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('task').describe('cross-entropy with the labels'), weight }),
  z.strictObject({
    kind: z.literal('distillation').describe('T² · KL from the logits of another model'),
    from: z.enum(['anchor', 'peer']),
    weight,
    temperature,
    gate: GateSpec.optional(),
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
    weightDecay: Amount.default(5e-4).describe('none on biases and batch norm'),
    decoupled: z
      .boolean()
      .default(false)
      .describe('true: decay apart from the gradient (Loshchilov & Hutter); false: L2'),
  }),
  z.strictObject({
    kind: z.literal('adamw').describe('Loshchilov & Hutter 2019'),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: PositiveAmount.default(1e-8),
    weightDecay: Amount.default(0.01).describe('decoupled; none on biases and batch norm'),
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
      .max(LONGEST_LIST)
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
    .max(LONGEST_LIST)
    .refine(
      (terms) => terms.length === 0 || terms.some((term) => term.weight > 0 && !isAnchorTerm(term)),
      'nothing to learn from in generation 0, which has no anchor: a task or peer term with a weight above 0 is needed',
    )
    .refine(
      (terms) =>
        terms.every((term) => term.kind === 'task' || !term.gate) ||
        terms.some((term) => term.kind === 'task' && term.weight > 0),
      'a gate compares with the gradient of the task: a task term with a weight above 0 is needed',
    )
    .describe('terms of the loss; those that ask the anchor rest in generation 0'),
  optimizer: OptimizerSpec.prefault({ kind: 'sgd' }),
  learningRate: PositiveAmount.default(0.05).describe('peak, after warm-up'),
  clipNorm: PositiveAmount.nullable().default(5).describe('limit of the global gradient norm; null turns it off'),
});
export type RoleSpec = z.infer<typeof RoleSpec>;
